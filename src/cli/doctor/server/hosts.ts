/** Checks of the hosts in the database: those that no deployment gets to, and why. */
import { isShared } from '../../../server/engine/agent-runs.ts';
import { hostsWithoutKey } from '../../../server/store/access-keys.ts';
import { type LookedAtHost, type LookedAtStore, registeredHosts } from '../../../server/store/look.ts';
import { isSilentHost } from '../../view/host-marks.ts';
import { renderDuration } from '../../view/time.ts';
import { type Finding, fail, ok, warn } from '../check.ts';

/** An agent whose polls failed waits for 90 seconds at most. */
const COME_BACK_MS = 100_000;
/** More names would tell nobody more; `slipway hosts list` has all. */
const NAMED = 5;

export interface HostFacts {
  readonly nowMs: number;
  /** How long the server has run, milliseconds; null: it does not run, or nobody knows. */
  readonly serverAgeMs: number | null;
}

/** @returns the findings, and how many hosts are registered */
export async function lookAtHosts(
  store: LookedAtStore,
  facts: HostFacts,
): Promise<{ readonly findings: readonly Finding[]; readonly count: number }> {
  const hosts = await registeredHosts(store);
  const withoutKey = await hostsWithoutKey(
    store.db,
    hosts.map(({ hostArn }) => hostArn),
  );
  const disabled = hosts.filter(({ hostArn }) => withoutKey.has(hostArn));
  const withKey = hosts.filter(({ hostArn }) => !withoutKey.has(hostArn));
  const shared = hosts.filter(({ identitySharedAtMs }) => isShared(identitySharedAtMs, facts.nowMs));
  const findings = [...silence(withKey, facts), ...ofDisabled(disabled), ...ofShared(shared)];
  const detail = hosts.length === 0 ? 'none is registered yet' : `${hosts.length} registered, and heard of`;
  return { findings: findings.length === 0 ? [ok('hosts', detail)] : findings, count: hosts.length };
}

function silence(hosts: readonly LookedAtHost[], { nowMs, serverAgeMs }: HostFacts): Finding[] {
  // Nobody could be heard while no server was there, and agents come back within their longest pause. But others were heard of.
  const isBack = serverAgeMs !== null && serverAgeMs > COME_BACK_MS;
  const heardAtMs = isBack ? nowMs : Math.max(0, ...hosts.map(({ lastPolledAtMs }) => lastPolledAtMs ?? 0));
  const silent = hosts.filter(({ lastPolledAtMs }) => isSilentHost(lastPolledAtMs, Math.min(heardAtMs, nowMs)));
  const gone = silent.filter(({ lastPolledAtMs }) => lastPolledAtMs !== null);
  const never = silent.filter(({ lastPolledAtMs }) => lastPolledAtMs === null);
  const findings: Finding[] = [];
  if (gone.length > 0 && gone.length === hosts.length && hosts.length > 1) {
    const remedy =
      'All at once: look at this server’s address, its certificate, and firewalls on the way, before looking at single hosts with `slipway doctor`.';
    findings.push(fail('hosts', `SILENT, all of them: ${named(gone, (host) => lastHeard(host, nowMs))}`, remedy));
  } else if (gone.length > 0) {
    const remedy =
      'On each of them: `slipway doctor`, which finds what keeps its agent away. One that is gone for good: `slipway hosts deregister NAME`.';
    findings.push(fail('hosts', `SILENT: ${named(gone, (host) => lastHeard(host, nowMs))}`, remedy));
  }
  if (never.length > 0) {
    const remedy =
      'Install the agent there (`slipway agent install`), or take the host out: `slipway hosts deregister NAME`.';
    findings.push(warn('hosts', `never heard of: ${named(never)}`, remedy));
  }
  return findings;
}

function lastHeard({ name, lastPolledAtMs }: LookedAtHost, nowMs: number): string {
  return lastPolledAtMs === null ? name : `${name} (last poll ${renderDuration(nowMs - lastPolledAtMs)} ago)`;
}

function ofDisabled(hosts: readonly LookedAtHost[]): Finding[] {
  if (hosts.length === 0) return [];
  const remedy =
    'No deployment gets there. `slipway register --force` on the host gives it another key; a host that is to stay out: `slipway hosts deregister NAME`.';
  return [fail('host keys', `KEY DISABLED, each one of: ${named(hosts)}`, remedy)];
}

function ofShared(hosts: readonly LookedAtHost[]): Finding[] {
  if (hosts.length === 0) return [];
  const remedy =
    'Two machines were made from one image: `slipway register --force --instance-name NAME` on one of them, and take the identity out of the image.';
  return [fail('identity used twice', `two agents poll as ${named(hosts)}: each deployment gets to only one`, remedy)];
}

function named(hosts: readonly LookedAtHost[], show: (host: LookedAtHost) => string = ({ name }) => name): string {
  const more = hosts.length > NAMED ? ` and ${hosts.length - NAMED} more` : '';
  return `${hosts.slice(0, NAMED).map(show).join(', ')}${more}`;
}
