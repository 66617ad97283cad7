/**
 * The fault sweep in full: `npm run test:faults -- --runs 500 --json`, and one run again with `--seed S --first N --runs 1`.
 *
 * With `--many` revisions have so many files that two threads install them. Two hosts work beside each other. The last line is the summary; with `--json` it is one JSON text. Exits 1 for a mixture, a lost
 * outcome or any other problem, and keeps the folder then.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunReport, summarise, sweepFaults } from '../support/faults/sweep.ts';
import { flag, programOptions, wholeNumber } from '../support/program-options.ts';
import { startControlServer } from '../support/slipway.ts';

const values = programOptions('test:faults', {
  runs: wholeNumber('deployments, with one fault each', { least: 1, otherwise: 60 }),
  first: wholeNumber('the number of the first one', { otherwise: 0 }),
  seed: wholeNumber('repeats what was drawn with this seed', { otherwise: null }),
  many: flag('revisions of so many files that two threads install them'),
  json: flag('the summary as JSON'),
});
const { first, runs } = values;
const seed = values.seed ?? Date.now() % 1_000_000;

const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'faults-'));
const reports: RunReport[] = [];
{
  await using server = await startControlServer(join(folder, 'server'));
  const numbers = Array.from({ length: runs }, (_, n) => first + n);
  const onRun = (report: RunReport) => {
    reports.push(report);
    const { run, fault, happened, left, status } = report;
    if (!values.json) {
      const what = `${JSON.stringify(fault)}${happened ? '' : ' (did not come to it)'}`;
      process.stdout.write(`${String(run).padStart(5)}  ${status.padEnd(9)}  ${left.padEnd(7)}  ${what}\n`);
    }
    for (const problem of report.problems) process.stderr.write(`run ${run}: ${problem}\n`);
  };
  const common = { seed, folder, server, onRun, manyFiles: values.many };
  await Promise.all(
    ['one', 'two'].map((name, lane) => {
      const own = numbers.filter((number) => number % 2 === lane);
      return own.length === 0 ? null : sweepFaults({ ...common, runs: own, name: `host-${name}` });
    }),
  );
}
const { problems, ...summary } = summarise(reports);
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...summary, seed })}\n`
    : `${summary.runs} runs, ${summary.faults} faults: ${summary.old} old, ${summary.young} new, ${summary.mixtures} mixtures, ${summary.outcomesLost} outcomes lost; seed ${seed}\n`,
);
if (problems.length === 0) rmSync(folder, { recursive: true });
else process.stderr.write(`${problems.length} problems; the folder is kept: ${folder}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
