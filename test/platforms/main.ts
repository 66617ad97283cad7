/**
 * Deployments to Lambda and ECS by real servers: `npm run test:platforms -- --json`. The servers are killed (SIGKILL) at each call of an order,
 * before it is carried out and after. Then the same deployments by the real AWS command line.
 *
 * The last line is the summary; with `--json` it is one JSON text: scenarios, failed, kills, splitAtEnd. Exits 1 unless nothing failed and no
 * traffic was left divided.
 */
import { join } from 'node:path';
import { buildProgram } from '../support/built-program.ts';
import { flag, oneOf, programOptions } from '../support/program-options.ts';
import { scratchFolder } from '../support/scratch.ts';
import { runDeletions } from './deletions.ts';
import { runEcsByCommandLine } from './ecs-cli.ts';
import { runEcsKills, runEcsPairKills } from './ecs-kills.ts';
import { runHooks } from './hooks.ts';
import { runLambdaByCommandLine } from './lambda-cli.ts';
import { runLambdaKills } from './lambda-kills.ts';
import { runLambdaOnMinistack } from './lambda-ministack.ts';
import type { Outcome, RunScenarios } from './scenario.ts';

const PARTS: Readonly<Record<string, RunScenarios>> = {
  'lambda-kills': runLambdaKills,
  hooks: runHooks,
  'lambda-cli': runLambdaByCommandLine,
  'lambda-ministack': runLambdaOnMinistack,
  'ecs-kills': runEcsKills,
  'ecs-pair-kills': runEcsPairKills,
  'ecs-cli': runEcsByCommandLine,
  deletions: runDeletions,
};

const values = programOptions('test:platforms', {
  only: oneOf(Object.keys(PARTS), 'one part'),
  json: flag('the summary as JSON'),
});
const total = { scenarios: 0, failed: 0, kills: 0, splitAtEnd: 0 };
const report = ({ scenario, problems, kills, isSplitAtEnd }: Outcome) => {
  total.scenarios += 1;
  total.kills += kills;
  if (problems.length > 0) total.failed += 1;
  if (isSplitAtEnd) total.splitAtEnd += 1;
  process.stderr.write(`${problems.length === 0 ? 'ok    ' : 'FAILED'}  ${scenario}\n`);
  for (const problem of problems) process.stderr.write(`        ${problem}\n`);
};
{
  using built = scratchFolder();
  const program = await buildProgram(built.path);
  // Servers that start anew keep what V8 has compiled, of the clients of AWS above all.
  process.env['NODE_COMPILE_CACHE'] = join(built.path, 'compiled');
  for (const [name, run] of Object.entries(PARTS)) {
    if (values.only !== null && values.only !== name) continue;
    using scratch = scratchFolder();
    const startedMs = performance.now();
    await run({ folder: scratch.path, program }, report);
    process.stderr.write(`${name}: ${Math.round((performance.now() - startedMs) / 1000)} s\n`);
  }
}
process.stdout.write(
  values.json
    ? `${JSON.stringify(total)}\n`
    : `${total.scenarios} scenarios, ${total.failed} failed, ${total.kills} kills, ${total.splitAtEnd} split at the end\n`,
);
process.exitCode = total.failed === 0 && total.splitAtEnd === 0 && total.scenarios > 0 ? 0 : 1;
