/**
 * Plants faults on real hosts and servers, and asks the doctor, or the command concerned: `npm run test:doctor -- --json`. A line for each
 * fault, and last the summary, with `--json` as one JSON text: planted, found, wrongRemedy. Exits 1 when one was missed or got a remedy
 * that does not fit. `--only TEXT` plants those whose name holds the text. Faults that need root or mounts are not planted elsewhere, and
 * named.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyText, flag, programOptions } from '../support/program-options.ts';
import { AGENT_FAULTS } from './agent-faults.ts';
import { COMMAND_FAULTS } from './command-faults.ts';
import { DISK_FAULTS } from './disk-faults.ts';
import { ENDPOINT_FAULTS } from './endpoint-faults.ts';
import { POSTGRES_FAULTS } from './postgres-faults.ts';
import { runFaults } from './run-faults.ts';
import { SERVER_FAULTS } from './server-faults.ts';
import { SERVER_NETWORK_FAULTS } from './server-network-faults.ts';

const FAULTS = [
  AGENT_FAULTS,
  DISK_FAULTS,
  ENDPOINT_FAULTS,
  COMMAND_FAULTS,
  SERVER_FAULTS,
  SERVER_NETWORK_FAULTS,
  POSTGRES_FAULTS,
].flat();

const values = programOptions('test:doctor', {
  only: anyText('TEXT', 'plants the faults whose name holds the text'),
  json: flag('the summary as JSON'),
});
const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'doctor-'));
// Faults of a service that is not root are planted below it.
chmodSync(folder, 0o755);
const chosen = FAULTS.filter(({ name }) => name.includes(values.only ?? ''));
const count = { found: 0, missed: 0, 'wrong remedy': 0, 'not run': 0 };
try {
  for await (const { fault, ending, why } of runFaults(chosen, folder)) {
    count[ending] += 1;
    process.stderr.write(`${ending.padEnd(12)} ${fault.name}\n`);
    if (why !== null) process.stderr.write(`             ${why.trimEnd().replaceAll('\n', '\n             ')}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const wrongRemedy = count['wrong remedy'];
const found = count.found + wrongRemedy;
const planted = found + count.missed;
process.stdout.write(
  values.json
    ? `${JSON.stringify({ planted, found, wrongRemedy })}\n`
    : `${planted} faults planted: ${found} found, ${wrongRemedy} with a wrong remedy\n`,
);
process.exitCode = planted > 0 && found === planted && wrongRemedy === 0 ? 0 : 1;
