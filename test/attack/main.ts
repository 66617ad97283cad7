/**
 * Attacks the real programs: `npm run test:attack -- --json`. Prints a line for each attack, and last the summary, with `--json` as one
 * JSON text: tried, through, hung and peak memory. The peaks are those of the largest server and of the largest agent, each with all its
 * processes, in millions of bytes. Exits 1 when one got through or hung. `--only TEXT` runs those whose promise or name holds the text.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyText, flag, programOptions } from '../support/program-options.ts';
import { DOWNLOAD_ATTACKS } from './agent-downloads.ts';
import { ORDER_ATTACKS } from './agent-orders.ts';
import { PLACE_ATTACKS } from './agent-places.ts';
import { REDIRECT_ATTACKS } from './agent-redirects.ts';
import { SECRET_ATTACKS } from './agent-secrets.ts';
import type { Attack } from './attack.ts';
import { type PeakMemory, runAttacks } from './run-attacks.ts';
import { ALIVE_ATTACKS } from './server-alive.ts';
import { API_ATTACKS } from './server-api.ts';
import { API_LIMIT_ATTACKS } from './server-api-limits.ts';
import { AWS_ATTACKS } from './server-aws.ts';
import { CONNECTION_ATTACKS } from './server-connections.ts';
import { FLEET_ATTACKS } from './server-fleets.ts';
import { IDENTITY_ATTACKS } from './server-identity.ts';
import { KEY_ATTACKS } from './server-keys.ts';
import { NOTICE_ATTACKS } from './server-notices.ts';
import { POWER_ATTACKS } from './server-powers.ts';
import { S3_ATTACKS } from './server-s3.ts';
import { TERMINAL_ATTACKS } from './terminal.ts';

const ATTACKS: readonly (readonly Attack[])[] = [
  S3_ATTACKS,
  API_ATTACKS,
  API_LIMIT_ATTACKS,
  ALIVE_ATTACKS,
  CONNECTION_ATTACKS,
  NOTICE_ATTACKS,
  FLEET_ATTACKS,
  AWS_ATTACKS,
  POWER_ATTACKS,
  IDENTITY_ATTACKS,
  KEY_ATTACKS,
  TERMINAL_ATTACKS,
  DOWNLOAD_ATTACKS,
  REDIRECT_ATTACKS,
  PLACE_ATTACKS,
  ORDER_ATTACKS,
  SECRET_ATTACKS,
];

const values = programOptions('test:attack', {
  only: anyText('TEXT', 'runs the attacks whose promise or name holds the text'),
  json: flag('the summary as JSON'),
});
const scratch = fileURLToPath(new URL('../../.scratch', import.meta.url));
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'attack-'));
const chosen = ATTACKS.flat().filter(({ promise, name }) => `${promise}: ${name}`.includes(values.only ?? ''));
const peak: PeakMemory = { server: 0, agent: 0 };
const count = { held: 0, through: 0, hung: 0, 'not run': 0 };
try {
  for await (const { attack, ending, why, tookMs } of runAttacks(chosen, folder, peak)) {
    count[ending] += 1;
    process.stderr.write(`${ending.padEnd(7)} ${attack.promise}: ${attack.name} (${tookMs} ms)\n`);
    if (why !== null) process.stderr.write(`        ${why.replaceAll('\n', '\n        ')}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { through, hung } = count;
const tried = count.held + through + hung;
const [maxServerMb, maxAgentMb] = [Math.round(peak.server), Math.round(peak.agent)];
process.stdout.write(
  values.json
    ? `${JSON.stringify({ tried, through, hung, maxServerMb, maxAgentMb })}\n`
    : `${tried} attacks: ${through} through, ${hung} hung; server up to ${maxServerMb} MB, agent up to ${maxAgentMb} MB\n`,
);
process.exitCode = tried > 0 && through + hung === 0 ? 0 : 1;
