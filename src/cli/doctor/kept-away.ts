/** Where the agent cannot do what the doctor can, its service is kept from it. Pure. */
import type { Finding } from './check.ts';

/** Checks that the doctor itself makes on the way to the server. */
const TRIED: ReadonlySet<string> = new Set([
  'DNS',
  'connection',
  'TLS',
  'credentials',
  'clock',
  'endpoint',
  'identity',
]);

/** @param ofEndpoint what the doctor has found on the way */
export function explainFailingPolls(ofAgent: readonly Finding[], ofEndpoint: readonly Finding[]): readonly Finding[] {
  const tried = ofEndpoint.filter(({ check }) => TRIED.has(check));
  const isClear = tried.some(({ check }) => check === 'credentials') && tried.every(({ status }) => status !== 'fail');
  if (!isClear) return ofAgent;
  return ofAgent.map((finding) =>
    finding.check === 'agent' && finding.status === 'fail' && /polls failed|polling fails/.test(finding.detail)
      ? { ...finding, remedy: REMEDY }
      : finding,
  );
}

const REMEDY =
  'The doctor gets through, and the service does not. Either it is over by now: ask again in two minutes. Or the service is kept from the network: ' +
  '`systemctl cat slipway-agent` (IPAddressDeny=, PrivateNetwork=, RestrictAddressFamilies=, NetworkNamespacePath=), a firewall by user, or SELinux. ' +
  'Or it was started before a setting was changed: `systemctl restart slipway-agent`.';
