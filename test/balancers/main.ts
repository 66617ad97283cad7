/**
 * Real load balancers in front of four real agents, under a load that never pauses: `npm run test:balancers -- --json`. Each balancer meets
 * a rolling deployment, one that fails and is rolled back, and a blue/green deployment whose traffic is led back. Then comes one that goes
 * through. Last line: requests, failed. Exits 1 unless none failed with both balancers.
 */
import { haproxyProgram, nginxProgram, startHaproxy, startNginx } from '../support/balancers.ts';
import { flag, programOptions } from '../support/program-options.ts';
import { scratchFolder } from '../support/scratch.ts';
import { runBlueGreenDeployments } from './blue-green.ts';
import type { LoadReport } from './ground.ts';
import { runRollingDeployments } from './rolling.ts';

const values = programOptions('test:balancers', { json: flag('the summary as JSON') });
const total = { requests: 0, failed: 0 };
let isComplete = true;
for (const { kind, program, start } of [
  { kind: 'haproxy', program: haproxyProgram, start: startHaproxy },
  { kind: 'nginx', program: nginxProgram, start: startNginx },
]) {
  if (program === null) {
    isComplete = false;
    process.stderr.write(`${kind}  not run: it is not installed (apt-get install haproxy nginx-light)\n`);
    continue;
  }
  const report = ({ what, requests, failed, faults }: LoadReport) => {
    total.requests += requests;
    total.failed += failed;
    process.stderr.write(`${kind}  ${what}: ${requests} requests, ${failed} failed ${[...faults].join(', ')}\n`);
  };
  for (const run of [runRollingDeployments, runBlueGreenDeployments]) {
    using scratch = scratchFolder();
    await run(scratch, start, report);
  }
}
process.stdout.write(
  values.json ? `${JSON.stringify(total)}\n` : `${total.requests} requests, ${total.failed} failed\n`,
);
process.exitCode = isComplete && total.failed === 0 && total.requests > 0 ? 0 : 1;
