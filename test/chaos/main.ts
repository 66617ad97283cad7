/**
 * Kills of servers and restarts of PostgreSQL under rolling deployments to a fleet: `npm run test:chaos -- --json`. Three servers share one
 * database and one folder of revisions; the hosts know all three. `--seed S` repeats the schedule. With `--fleets` the deployments are blue/green, between
 * two halves of the hosts.
 *
 * The last line is the summary; with `--json` it is one JSON text. Exits 1 for whatever must not be, and keeps the folder then.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresPrograms } from '../support/postgres.ts';
import { flag, programOptions, wholeNumber } from '../support/program-options.ts';
import { runChaos } from './chaos.ts';
import { runTwoFleets } from './two-fleets.ts';

const values = programOptions('test:chaos', {
  kills: wholeNumber('servers that are killed in all', { most: 10_000, otherwise: 100 }),
  restarts: wholeNumber('restarts of PostgreSQL', { most: 1_000, otherwise: 8 }),
  servers: wholeNumber('servers on the one database, 1 to 5', { least: 1, most: 5, otherwise: 3 }),
  hosts: wholeNumber('hosts that are deployed to, 4 to 100', { least: 4, most: 100, otherwise: 50 }),
  fleets: flag('blue/green deployments between two fleets, with a balancer and programs that make and end hosts'),
  seed: wholeNumber('repeats a schedule', { otherwise: null }),
  json: flag('the summary as JSON'),
});
const { json, fleets, seed: given, ...size } = values;
const seed = given ?? Date.now() % 1_000_000;
if (postgresPrograms === null) {
  process.stderr.write('not run: PostgreSQL (initdb and postgres) is not installed\n');
  process.exit(1);
}
const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'chaos-'));
const { problems, deployments, ...counts } = await (fleets ? runTwoFleets : runChaos)({
  ...{ ...size, seed, folder },
  onDeployment({ number, plan, status, seconds, problems: found }) {
    const words = `${plan.minimum.deploymentConfigName}, ${seconds.toFixed(1)} s`;
    if (!json) process.stdout.write(`${String(number).padStart(5)}  ${status.padEnd(9)}  ${words}\n`);
    for (const problem of found) process.stderr.write(`deployment ${number} (${JSON.stringify(plan)}): ${problem}\n`);
  },
});
const { kills, restarts, lost, twice, overLimit, stuck } = counts;
process.stdout.write(
  json
    ? `${JSON.stringify({ ...counts, seed })}\n`
    : `${deployments} deployments, ${kills} kills, ${restarts} restarts of PostgreSQL: ${lost} lost, ${twice} twice, ${overLimit} over the limit, ${stuck} stuck; seed ${seed}\n`,
);
if (problems.length === 0) rmSync(folder, { recursive: true });
else process.stderr.write(`${problems.length} problems; the folder is kept: ${folder}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
