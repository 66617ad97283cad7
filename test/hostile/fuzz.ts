/**
 * Damages honest bundles and AppSpec files: `npm run test:fuzz -- --seconds 60 --seed S --json`; one case again with
 * `--seed S --first N --cases 1`.
 *
 * Exits 1 and keeps the input when a case ends in anything but success or a SlipwayError, writes outside of its folder, hangs, or takes
 * too much memory. The last line is the summary, with `--json` as one JSON text.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fuzz } from './fuzzing.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    cases: { type: 'string' },
    first: { type: 'string', default: '0' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
});
const [seed, first, seconds] = [Number(values.seed), Number(values.first), Number(values.seconds)];
const cases = values.cases === undefined ? undefined : Number(values.cases);
if (![seed, first, seconds, cases ?? 0].every(Number.isSafeInteger)) {
  throw new Error('--seconds, --cases, --first and --seed take whole numbers');
}
const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'fuzz-'));
const { tried, findings, ends } = await fuzz({
  seed,
  first,
  most: cases === undefined ? { seconds } : { cases },
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
