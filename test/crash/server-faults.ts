/**
 * Kills the server in the middle of rolling deployments: `npm run test:server-faults -- --runs 60 --json`, with `--postgres` one of two
 * servers over one PostgreSQL; one run again with `--seed S --first N --runs 1`. `--agents N` of the four hosts are real agents.
 *
 * The last line is the summary; with `--json` it is one JSON text. Exits 1 for whatever must not be, and keeps the folder then.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { sweepServerFaults } from '../support/server-faults/sweep.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '60' },
    first: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    agents: { type: 'string', default: '1' },
    postgres: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [seed, first, count, agents] = [values.seed, values.first, values.runs, values.agents].map(Number) as [
  number,
  number,
  number,
  number,
];
if (![seed, first, count, agents].every(Number.isSafeInteger) || agents < 0 || agents > 4)
  throw new Error('--seed, --first, --runs and --agents take whole numbers; there are four hosts');

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
