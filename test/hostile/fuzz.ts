/**
 * Damages honest bundles and AppSpec files: `npm run test:fuzz -- --seconds 60 --seed S --json`; one case again with
 * `--seed S --first N --cases 1`.
 *
 * Exits 1 and keeps the input when a case ends in anything but success or a SlipwayError. The same holds when it writes outside of its
 * folder, hangs, or takes too much memory. The last line is the summary, with `--json` as one JSON text.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flag, programOptions, wholeNumber } from '../support/program-options.ts';
import { fuzz } from './fuzzing.ts';

const values = programOptions('test:fuzz', {
  seconds: wholeNumber('for how long', { otherwise: 60 }),
  cases: wholeNumber('so many cases, however long they take', { otherwise: null }),
  first: wholeNumber('the number of the first one', { otherwise: 0 }),
  seed: wholeNumber('repeats what was drawn with this seed', { otherwise: null }),
  json: flag('the summary as JSON'),
});
const { first, seconds, cases } = values;
const seed = values.seed ?? Date.now() % 1_000_000;
const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'fuzz-'));
const { tried, findings, ends } = await fuzz({
  seed,
  first,
  most: cases === null ? { seconds } : { cases },
  folder,
});
for (const { number, problem, detail, file } of findings) {
  process.stderr.write(`case ${number}: ${problem}: ${detail}\n  kept: ${file}\n`);
}
if (!values.json) {
  const counted = [...ends].sort(([, a], [, b]) => b - a);
  for (const [end, count] of counted) process.stdout.write(`${String(count).padStart(7)}  ${end}\n`);
}
if (findings.length === 0) rmSync(folder, { recursive: true });
const summary = { tried, findings: findings.length, seed };
process.stdout.write(
  values.json ? `${JSON.stringify(summary)}\n` : `${tried} cases, ${findings.length} findings; seed ${seed}\n`,
);
process.exitCode = findings.length === 0 ? 0 : 1;
