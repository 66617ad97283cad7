/**
 * Kills the server in the middle of rolling deployments: `npm run test:server-faults -- --runs 60 --json`. With `--postgres` it kills one
 * of two servers over one PostgreSQL. `--seed S --first N --runs 1` repeats one run. `--agents N` of the four hosts are real agents.
 *
 * The last line is the summary; with `--json` it is one JSON text. Exits 1 for whatever must not be, and keeps the folder then.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flag, programOptions, wholeNumber } from '../support/program-options.ts';
import { sweepServerFaults } from '../support/server-faults/sweep.ts';

const values = programOptions('test:server-faults', {
  runs: wholeNumber('deployments, with one plan of kills each', { least: 1, otherwise: 60 }),
  first: wholeNumber('the number of the first one', { otherwise: 0 }),
  seed: wholeNumber('repeats what was drawn with this seed', { otherwise: null }),
  agents: wholeNumber('how many of the four hosts are real agents', { most: 4, otherwise: 1 }),
  postgres: flag('two servers over one PostgreSQL, of which one is killed'),
  json: flag('the summary as JSON'),
});
const { first, runs: count, agents } = values;
const seed = values.seed ?? Date.now() % 1_000_000;

const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'server-faults-'));
const on = values.postgres ? 'postgres' : 'sqlite';
const runs = Array.from({ length: count }, (_, n) => first + n);
const { problems, ...summary } = await sweepServerFaults({
  ...{ seed, runs, folder, on, agents },
  onRun({ run, plan, kills, status, problems: found }) {
    if (!values.json) {
      const words = `${plan.minimum.deploymentConfigName}, ${kills} killed`;
      process.stdout.write(`${String(run).padStart(5)}  ${status.padEnd(9)}  ${words}\n`);
    }
    for (const problem of found) process.stderr.write(`run ${run} (${JSON.stringify(plan)}): ${problem}\n`);
  },
});
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...summary, seed })}\n`
    : `${summary.runs} runs, ${summary.kills} kills: ${summary.lost} lost, ${summary.twice} twice, ${summary.overLimit} over the limit, ${summary.stuck} stuck; seed ${seed}\n`,
);
if (problems.length === 0) rmSync(folder, { recursive: true });
else process.stderr.write(`${problems.length} problems; the folder is kept: ${folder}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
