/** Answer to an instance that waits at a hook: go on, end, or nothing yet. Pure. */
import type { HostStateRow } from '../../store/schema.ts';

export type ActionResult = 'CONTINUE' | 'ABANDON';

/** Answer that AWS is to get about an instance now, and its reason. */
export interface ActionStanding {
  /** null: it is still being worked on. */
  readonly result: ActionResult | null;
  readonly why: string;
}

/** The answer to an instance on its way into a warm pool: it may be stopped there, and waits once more on its way into service. */
export const TO_WARM_POOL: ActionStanding = {
  result: 'CONTINUE',
  why: 'it goes to a warm pool, and gets the revision when it comes into service',
};

/** An instance that is launched waits so long for a host that nobody deploys to: agents may come late after a boot. */
export const LAUNCH_LIMIT_MS = 60 * 60_000;
/** How often AWS hears that an instance is still being worked on. */
export const HEARTBEAT_MS = 5 * 60_000;

/**
 * @param launch `good`: the group's last successful deployment, or null; `state`: the host's, after the group's last deployment; `isBusy`:
 * whether a deployment of the group runs
 */
export function launchStanding(
  launch: {
    readonly good: { readonly deploymentId: string; readonly revision: string } | null;
    readonly instanceId: string | null;
    readonly state: Pick<
      HostStateRow,
      'health' | 'revision_identity' | 'tries_of' | 'failed_tries' | 'left_at_ms'
    > | null;
    readonly isBusy: boolean;
    readonly beganAtMs: number;
  },
  nowMs: number,
): ActionStanding {
  const { good, instanceId, state, isBusy, beganAtMs } = launch;
  if (good === null) return { result: 'CONTINUE', why: 'the deployment group has no successful deployment yet' };
  if (state?.health === 'healthy' && state.revision_identity === good.revision) {
    return { result: 'CONTINUE', why: 'it has the last good revision' };
  }
  // What failed before the instance came to wait says nothing about this launch.
  if (state?.tries_of === good.deploymentId && state.failed_tries > 0 && (state.left_at_ms ?? 0) >= beganAtMs) {
    return { result: 'ABANDON', why: 'the deployment of the last good revision to it failed' };
  }
  if (!isBusy && nowMs - beganAtMs >= LAUNCH_LIMIT_MS) {
    const who = instanceId === null ? 'no enrolled host was this instance' : 'its host was not heard of';
    return { result: 'ABANDON', why: `${who} within an hour` };
  }
  return { result: null, why: instanceId === null ? 'no enrolled host is it yet' : 'it waits for its deployment' };
}

/** An instance that is terminated waits so long for its deployment to begin, and to end; then it goes. */
export const TERMINATION_LIMIT_MS = 60 * 60_000;

/**
 * Returns the answer to an instance that is being terminated. Whatever becomes of its deployment, it goes in the end.
 *
 * @param termination `deployment`: that stops its application; `none`: there is nothing to be stopped; null: it is still to begin
 */
export function terminationStanding(
  termination: {
    readonly instanceId: string | null;
    readonly deployment: 'none' | 'under-way' | 'ended' | null;
    readonly beganAtMs: number;
  },
  nowMs: number,
): ActionStanding {
  const { instanceId, deployment, beganAtMs } = termination;
  if (instanceId === null) return { result: 'CONTINUE', why: 'no enrolled host is it' };
  if (deployment === 'none') return { result: 'CONTINUE', why: 'there is nothing to be stopped on it' };
  if (deployment === 'ended') return { result: 'CONTINUE', why: 'the deployment that stops its application has ended' };
  if (nowMs - beganAtMs >= TERMINATION_LIMIT_MS) return { result: 'CONTINUE', why: 'it has waited for an hour' };
  return { result: null, why: 'its application is being stopped' };
}
