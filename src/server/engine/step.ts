import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { FINAL_STATUSES } from '../store/deployments.ts';
import { eventsOfActiveTargets } from '../store/lifecycle-events.ts';
import type { DeploymentRow, LifecycleEventRow, TargetRow } from '../store/schema.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { targetsOf } from '../store/targets.ts';
import { type Applied, applyActions } from './apply.ts';
import { type DeploymentSnapshot, decide } from './decide.ts';
import type { FinishAction } from './ending.ts';
import { finishDeployment } from './finish.ts';
import { resolveTargets } from './resolve-targets.ts';

export interface StepContext {
  readonly store: Pick<Store, 'wakeUps'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'uuid' | 'text' | 'fraction'>;
}

/** What a step has done, for those to whom it matters once it is committed. */
export interface StepResult extends Applied {
  /** How the deployment has ended, if it has. */
  readonly finished: FinishAction | null;
}

const NOTHING: StepResult = { hostArns: [], followedBy: null, finished: null };

/** One step of a deployment: what is there is read, what follows is decided and written down. The deployment must be locked. */
export async function takeStep(
  ctx: StepContext,
  tx: StoreTransaction,
  deployment: DeploymentRow | null,
): Promise<StepResult> {
  if (deployment === null || FINAL_STATUSES.includes(deployment.status)) return NOTHING;
  const apply = { random: ctx.random, nowMs: ctx.clock.now() };
  if (deployment.status === 'Created') {
    const finished = await resolveTargets(tx, deployment, apply);
    if (finished !== null) {
      const followedBy = await finishDeployment(tx, deployment, [], finished, apply);
      return { hostArns: [], followedBy, finished };
    }
  }
  const targets = await targetsOf(tx, deployment.deployment_id);
  const events = await eventsOfActiveTargets(tx, deployment.deployment_id);
  const actions = decide(snapshotOf(deployment, targets, events), apply.nowMs);
  const applied = await applyActions(tx, deployment, targets, actions, apply);
  await ctx.store.wakeUps.announce(tx, applied.hostArns);
  return { ...applied, finished: actions.find((action) => action.action === 'finish') ?? null };
}

function snapshotOf(
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  events: readonly LifecycleEventRow[],
): DeploymentSnapshot {
  const byInstance = Map.groupBy(events, (event) => event.instance_id);
  return {
    createdAtMs: deployment.created_at_ms,
    stopRequestedAtMs: deployment.stop_requested_at_ms,
    minimum: { type: deployment.minimum_type, value: deployment.minimum_value },
    deploymentConfigName: deployment.deployment_config_name,
    ignoreApplicationStopFailures: deployment.ignore_application_stop_failures === 1,
    targets: targets
      .filter((target) => target.was_current === 0)
      .map((target) => ({
        instanceId: target.instance_id,
        status: target.status,
        events: (byInstance.get(target.instance_id) ?? []).map((event) => ({
          position: event.position,
          name: event.event_name,
          status: event.status,
          readyAtMs: event.ready_at_ms,
          startedAtMs: event.started_at_ms,
        })),
      })),
  };
}
