/** Steps after `slipway server init`, as commands that can be pasted. Pure. */
import { quoteForShell, shellCommand } from '../../system/shell-word.ts';
import type { InitPlan } from './plan.ts';

export interface NextSteps {
  /** On the server's machine, in this order. */
  readonly server: readonly string[];
  /** Where people deploy from, with the key of the step before in the environment. */
  readonly client: readonly string[];
  /** On each host, as root. */
  readonly host: readonly [register: string, start: string];
}

/** @param hasUnits a package of the system has brought the units of both services */
export function nextSteps(plan: InitPlan, hasUnits: boolean): NextSteps {
  const { address, settingsFile, isService, dataDir, tls } = plan;
  const foreground = `(set -a; . ${quoteForShell(settingsFile)}; exec slipway server)`;
  const service = hasUnits ? 'systemctl enable --now slipway-server' : 'slipway server install';
  const folder = isService ? [] : ['--data-dir', dataDir];
  return {
    server: [isService ? service : foreground, shellCommand('slipway', 'keys', 'create', '--role', 'admin', ...folder)],
    client: [
      shellCommand('export', `SLIPWAY_ENDPOINT_URL=${address.endpoint}`),
      ...(tls.kind === 'private' ? [shellCommand('export', `SLIPWAY_CA_FILE=${tls.authorityFile}`)] : []),
      'slipway server tokens create --uses 10',
    ],
    host: [
      `echo TOKEN | ${shellCommand('slipway', 'register', '--server', address.endpoint, '--token-file', '-')}`,
      hasUnits ? 'systemctl enable --now slipway-agent' : 'slipway agent install',
    ],
  };
}

export function describeSteps({ server, client, host }: NextSteps, { isService }: InitPlan): string[] {
  const commands = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
  return [
    isService
      ? 'start the server, and make the first key, here, as root:'
      : 'start the server, and make the first key, here:',
    ...commands(server),
    'make a token for hosts, with that key in the environment:',
    ...commands(client),
    'on each host, as root, with that token:',
    ...commands(host),
  ];
}
