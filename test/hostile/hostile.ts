/**
 * Runs the corpus of attacks: `npm run test:hostile -- --json`. The last line is the summary, with `--json` as one JSON text. Exits 1
 * when something escapes, crashes, hangs, or ends in another way than it has to.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flag, programOptions } from '../support/program-options.ts';
import { runCorpus } from './run-corpus.ts';

const values = programOptions('test:hostile', { json: flag('the summary as JSON') });
const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'hostile-'));
const { problems, groups, ...summary } = await runCorpus(folder);
rmSync(folder, { recursive: true, force: true });
for (const problem of problems) process.stderr.write(`${problem}\n`);
const { tried, escapes, crashes, hangs } = summary;
if (values.json)
  process.stdout.write(`${JSON.stringify({ tried, escapes, crashes, hangs, otherEnds: summary.otherEnds })}\n`);
else {
  for (const [group, count] of groups) process.stdout.write(`${String(count).padStart(5)}  ${group}\n`);
  process.stdout.write(
    `${tried} attacks: ${escapes} escapes, ${crashes} crashes, ${hangs} hangs, ${summary.otherEnds} other ends\n`,
  );
}
process.exitCode = problems.length === 0 ? 0 : 1;
