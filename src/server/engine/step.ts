import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { changedTargetsOf, forgetChangedTargets } from '../store/changed-targets.ts';
import { FINAL_STATUSES, findDeployment } from '../store/deployments.ts';
import { lockOpenEvents } from '../store/lifecycle-events.ts';
import { wakeOrders } from '../store/orders.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { targetsOf } from '../store/targets.ts';
import { type Applied, applyActions } from './apply.ts';
import { LONGEST_LOOK_MS, standingBefore } from './before.ts';
import { decide } from './decide.ts';
import { finishDeployment } from './finish.ts';
import type { FinishAction } from './hosts/ending.ts';
import { resolveTargets } from './hosts/resolve-targets.ts';
import { endingAfterResuming } from './hosts/suspension.ts';
import { noteNotices } from './note-notices.ts';
import { readSnapshot } from './read-snapshot.ts';
import { suspendsOf } from './settings.ts';
import type { Action } from './snapshot.ts';

export interface StepContext {
  readonly store: Pick<Store, 'wakeUps'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'uuid' | 'text' | 'fraction'>;
  /** Since when hosts could be heard of without a break. */
  listeningSinceMs(): number;
}

/** Result of a step, for those to whom it matters once it is committed. */
export interface StepResult extends Applied {
  /** How the deployment has ended, if it has. */
  readonly finished: FinishAction | null;
}

export const NOTHING: StepResult = { hostArns: [], hasOrders: false, followedBy: null, finished: null };

/** One step of a deployment: all that is there is read, what follows is decided and written down. The deployment must be locked. */
export async function takeStep(
  ctx: StepContext,
  tx: StoreTransaction,
  deployment: DeploymentRow | null,
): Promise<StepResult> {
  if (deployment === null) return NOTHING;
  if (FINAL_STATUSES.includes(deployment.status)) {
    const { deployment_id: deploymentId } = deployment;
    await forgetChangedTargets(tx, deploymentId, await changedTargetsOf(tx, deploymentId));
    return NOTHING;
  }
  const apply = { random: ctx.random, nowMs: ctx.clock.now() };
  if (deployment.status === 'Created') {
    const standing = await standingBefore(tx, deployment, apply);
    if (standing === 'waits' || standing === 'waits, with orders') {
      return { ...NOTHING, hasOrders: standing === 'waits, with orders' };
    }
    const finished = standing === 'begins' ? await resolveTargets(tx, deployment, apply) : standing;
    if (finished !== null) {
      const followedBy = await finishDeployment(tx, deployment, [], finished, apply);
      await noteNotices(tx, deployment, [], apply.nowMs);
      return { ...NOTHING, followedBy, finished };
    }
  }
  const { deployment_id: deploymentId } = deployment;
  const changed = await changedTargetsOf(tx, deploymentId);
  await lockOpenEvents(tx, deploymentId);
  const targets = await targetsOf(tx, deploymentId);
  // The beginning of a deployment that moves traffic has added to its settings.
  const begun = deployment.status === 'Created' ? await findDeployment(tx, deploymentId) : deployment;
  const snapshot = await readSnapshot(tx, begun ?? deployment, targets, ctx.listeningSinceMs());
  const actions = await afterResuming(tx, deployment, decide(snapshot, apply.nowMs), apply.nowMs);
  const applied = await applyActions(tx, deployment, targets, actions, apply);
  const isStopping = deployment.stop_requested_at_ms !== null;
  // Hosts that leave their load balancers are led back now, and not at the next look.
  const isWoken = isStopping && (await wakeOrders(tx, deploymentId, apply.nowMs));
  await noteNotices(tx, deployment, targets, apply.nowMs);
  await forgetChangedTargets(tx, deploymentId, changed);
  await ctx.store.wakeUps.announce(tx, applied.hostArns);
  return {
    ...applied,
    hasOrders: applied.hasOrders || isWoken,
    finished: actions.find((action) => action.action === 'finish') ?? null,
  };
}

/** A deployment that has come to its end ends once the processes that it has suspended run again. */
async function afterResuming(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  actions: readonly Action[],
  nowMs: number,
): Promise<readonly Action[]> {
  const finish = actions.find((action) => action.action === 'finish');
  if (finish === undefined || suspendsOf(deployment) === null) return actions;
  const others = actions.filter((action) => action !== finish);
  const ending = await endingAfterResuming(tx, deployment, finish, nowMs);
  return [...others, ending ?? { action: 'wake-at', atMs: nowMs + LONGEST_LOOK_MS }];
}
