/** Waits for a deployment without showing its course: for scripts and pipelines. */
import type { ManagementClient } from '../../protocol/management/client.ts';
import type { Clock } from '../../system/clock.ts';
import { isFinal } from './deployment.ts';
import { readTargets } from './follow.ts';
import type { TargetRecord } from './records.ts';

export interface WaitContext {
  readonly client: ManagementClient;
  readonly clock: Clock;
  readonly interrupted: AbortSignal;
}

/** `no traffic`: the deployment has no event that moves any. */
export type Came = { readonly isReached: boolean; readonly words: string } | 'no traffic' | 'interrupted';

const LOOK_MS = 1_000;

/** @throws RemoteApiError, SlipwayError SERVER_UNREACHABLE */
export async function waitForDeployment(
  { client, clock, interrupted }: WaitContext,
  deploymentId: string,
  state: 'traffic' | 'end',
): Promise<Came> {
  for (;;) {
    const { deploymentInfo } = await client.call('GetDeployment', { deploymentId });
    const { status = '', errorInformation } = deploymentInfo ?? {};
    if (isFinal(status)) {
      const why = errorInformation === undefined ? '' : ` ${errorInformation.code}: ${errorInformation.message}`;
      return { isReached: status === 'Succeeded', words: `${deploymentId}: ${status}${why}` };
    }
    if (state === 'traffic') {
      const traffic = trafficOf(await readTargets(client, deploymentId));
      if (traffic === 'none') return 'no traffic';
      if (traffic === 'moved')
        return { isReached: true, words: `${deploymentId}: all traffic goes to the new revision` };
    }
    await clock.sleep(LOOK_MS, interrupted);
    if (interrupted.aborted) return 'interrupted';
  }
}

/** Traffic has moved once AllowTraffic has succeeded on every target that has it. */
export function trafficOf(targets: readonly TargetRecord[]): 'none' | 'moves' | 'moved' {
  if (targets.length === 0) return 'moves';
  const events = targets.flatMap(({ lifecycleEvents }) =>
    lifecycleEvents.filter(({ lifecycleEventName }) => lifecycleEventName === 'AllowTraffic'),
  );
  if (events.length === 0) return 'none';
  return events.every(({ status }) => status === 'Succeeded') ? 'moved' : 'moves';
}
