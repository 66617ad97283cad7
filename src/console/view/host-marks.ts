/** Reasons that keep deployments from a host, in words. Pure. */
import type { HostRecord } from '../../protocol/management/shapes.ts';
import { SILENT_MS } from '../../protocol/management/silence.ts';

const SILENT_SECONDS = SILENT_MS / 1000;

export interface HostMark {
  readonly mark: string;
  readonly remedy: string;
}

/** @param now epoch seconds */
export function isSilent({ registered, lastPollTime }: HostRecord, now: number): boolean {
  return registered && (lastPollTime === undefined || now - lastPollTime > SILENT_SECONDS);
}

/** Marks of a registered host; nobody expects anything of one that is deregistered. */
export function marksOf(host: HostRecord, now: number): HostMark[] {
  if (!host.registered) return [];
  const { keysDisabled, identityIsShared, updatesGivenUp = [] } = host;
  const marks: HostMark[] = [];
  if (keysDisabled === true) {
    marks.push({ mark: 'Key disabled', remedy: 'Run slipway register --force on the host: it gets another key.' });
  }
  if (identityIsShared === true) {
    marks.push({
      mark: 'Identity used twice',
      remedy: 'Two agents poll with one identity. Run slipway doctor on both.',
    });
  }
  for (const { applicationName, deploymentGroupName } of updatesGivenUp) {
    const remedy = `Automatic deployments of ${applicationName}/${deploymentGroupName} failed here. Deploy to the group once more.`;
    marks.push({ mark: 'Not updated', remedy });
  }
  if (isSilent(host, now)) {
    const remedy = 'Check on the host that the agent runs: slipway status, or slipway doctor.';
    marks.push({ mark: host.lastPollTime === undefined ? 'Never heard of' : 'Silent', remedy });
  }
  return marks;
}
