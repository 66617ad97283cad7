/**
 * Kills of servers and restarts of PostgreSQL under rolling deployments to a fleet: `npm run test:chaos -- --json`. Three servers share one
 * database and one folder of revisions; the hosts know all three. `--seed S` repeats the schedule.
 *
 * The last line is the summary; with `--json` it is one JSON text. Exits 1 for whatever must not be, and keeps the folder then.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { postgresPrograms } from '../support/postgres.ts';
import { runChaos } from './chaos.ts';

const HELP = `npm run test:chaos -- [OPTIONS]

  --kills N       servers that are killed in all (100)
  --restarts N    restarts of PostgreSQL (8)
  --servers N     servers on the one database, 1 to 5 (3)
  --hosts N       hosts that are deployed to, 4 to 100 (50)
  --seed N        repeats a schedule
  --json          the summary as JSON
`;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '100' },
    restarts: { type: 'string', default: '8' },
    servers: { type: 'string', default: '3' },
    hosts: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function numberFrom(option: 'kills' | 'restarts' | 'servers' | 'hosts' | 'seed', least: number, most: number): number {
  const number = Number(values[option]);
  if (/^\d+$/.test(values[option]) && number >= least && number <= most) return number;
  process.stderr.write(`test:chaos: --${option} is a whole number from ${least} to ${most}, not '${values[option]}'\n`);
  process.exit(64);
}

if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const size = {
  kills: numberFrom('kills', 0, 10_000),
  restarts: numberFrom('restarts', 0, 1_000),
  servers: numberFrom('servers', 1, 5),
  hosts: numberFrom('hosts', 4, 100),
};
const seed = numberFrom('seed', 0, 1_000_000_000);
if (postgresPrograms === null) {
  process.stderr.write('not run: PostgreSQL (initdb and postgres) is not installed\n');
  process.exit(1);
}
const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'chaos-'));
const { problems, deployments, ...counts } = await runChaos({
  ...{ ...size, seed, folder },
  onDeployment({ number, plan, status, seconds, problems: found }) {
    const words = `${plan.minimum.deploymentConfigName}, ${seconds.toFixed(1)} s`;
    if (!values.json) process.stdout.write(`${String(number).padStart(5)}  ${status.padEnd(9)}  ${words}\n`);
    for (const problem of found) process.stderr.write(`deployment ${number} (${JSON.stringify(plan)}): ${problem}\n`);
  },
});
const { kills, restarts, lost, twice, overLimit, stuck } = counts;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...counts, seed })}\n`
    : `${deployments} deployments, ${kills} kills, ${restarts} restarts of PostgreSQL: ${lost} lost, ${twice} twice, ${overLimit} over the limit, ${stuck} stuck; seed ${seed}\n`,
);
if (problems.length === 0) rmSync(folder, { recursive: true });
else process.stderr.write(`${problems.length} problems; the folder is kept: ${folder}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
