/**
 * The revision store as foreign clients see it: `npm run test:s3 -- --json`. Every operation of the SDK's model is sent, and the S3 tools of
 * Debian do their usual work. A line for each, and last the summary, with `--json` as one JSON text: operations, works, refused, harmed,
 * toolSteps, toolsNotRun. Exits 1 unless harmed is 0. `--only TEXT` runs the tools whose name holds the text, and no operation.
 */
import { privateCertificates } from '../support/certificates.ts';
import { anyText, flag, programOptions } from '../support/program-options.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startControlServer } from '../support/slipway.ts';
import { tryOperations } from './operations.ts';
import { TOOLS, tryTool } from './tools.ts';

const values = programOptions('test:s3', {
  only: anyText('TEXT', 'tries the tools whose name holds the text, and no operation'),
  json: flag('the summary as JSON'),
});
const count = { operations: 0, works: 0, refused: 0, harmed: 0, toolSteps: 0 };
const toolsNotRun: string[] = [];
const say = (line: string) => process.stderr.write(`${line}\n`);

{
  using scratch = scratchFolder();
  await using server = await startControlServer(scratch.at('server'));
  const { caFile, certFile, keyFile } = await privateCertificates(scratch.path);
  const tls = ['--tls-cert', certFile, '--tls-key', keyFile];
  await using secured = await startControlServer(scratch.at('secured'), undefined, tls);
  const ground = { server, secured: { server: secured, caFile }, scratch };
  if (values.only === null) {
    for await (const { name, ending, why } of tryOperations(server)) {
      count.operations += 1;
      count[ending] += 1;
      say(`${ending.padEnd(8)} ${name}${why === null ? '' : `: ${why}`}`);
    }
  }
  for (const tool of TOOLS.filter(({ name }) => name.includes(values.only ?? ''))) {
    if (tool.program === null) {
      toolsNotRun.push(tool.name);
      say(`not run  ${tool.name} is not installed`);
      continue;
    }
    for await (const { step, why, tookMs } of tryTool(tool, ground)) {
      count.toolSteps += 1;
      if (why !== null) count.harmed += 1;
      say(
        `${why === null ? 'works   ' : 'harmed  '} ${tool.name} ${step} (${tookMs} ms)${why === null ? '' : `: ${why}`}`,
      );
    }
  }
}
const { operations, works, refused, harmed, toolSteps } = count;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ ...count, toolsNotRun })}\n`
    : `${operations} operations: ${works} work, ${refused} refused, ${harmed} harmed; ${toolSteps} steps of tools\n`,
);
process.exitCode = harmed === 0 ? 0 : 1;
