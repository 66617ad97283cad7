/**
 * Follows the documentation: `npm run test:docs`. Types the commands of its pages against a real server with real agents, runs the pipelines'
 * steps, and applies the Terraform example with Terraform itself. Prints a line for each page; exits 1 when one does not do what it says.
 */
import { anyText, flag, programOptions } from '../support/program-options.ts';
import { scratchFolder } from '../support/scratch.ts';
import { GUIDES } from './guides.ts';
import { REFERENCE_PAGES } from './reference.ts';
import { missingFor, runReferencePage } from './run-reference.ts';

const { only, json } = programOptions('test:docs', {
  only: anyText('TEXT', 'only pages whose name holds the text'),
  json: flag('the summary as one line of JSON'),
});
const isChosen = (name: string) => name.includes(only ?? '');
const count = { passed: 0, failed: 0, skipped: 0, commands: 0 };

function tell(mark: keyof typeof count, name: string, more = ''): void {
  count[mark] += 1;
  process.stderr.write(`${mark.padEnd(8)}${name}${more}\n`);
}

for (const page of REFERENCE_PAGES.filter(({ file }) => isChosen(file))) {
  const lack = missingFor(page);
  if (lack !== null) {
    tell('skipped', page.file, `: needs ${lack}`);
    continue;
  }
  using scratch = scratchFolder();
  const { ran, notRun, fault } = await runReferencePage(page, scratch);
  count.commands += ran;
  const commands = `: ${ran} commands${notRun === 0 ? '' : `, ${notRun} not run`}`;
  tell(fault === null ? 'passed' : 'failed', page.file, fault === null ? commands : `\n${fault}`);
}
for (const { file, name, missing, run } of GUIDES.filter((guide) => isChosen(guide.file))) {
  const title = `${file}, ${name}`;
  const lack = missing();
  if (lack !== null) {
    tell('skipped', title, `: needs ${lack}`);
    continue;
  }
  using scratch = scratchFolder();
  try {
    await run(scratch);
    tell('passed', title);
  } catch (error) {
    tell('failed', title, `\n${error instanceof Error ? error.message : String(error)}`);
  }
}
const { passed, failed, skipped } = count;
process.stdout.write(
  json
    ? `${JSON.stringify(count)}\n`
    : `${passed} passed, ${failed} failed, ${skipped} skipped; ${count.commands} commands\n`,
);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
