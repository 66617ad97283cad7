import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { FINAL_STATUSES } from '../store/deployments.ts';
import { type DecisiveEvent, eventsOfActiveTargets } from '../store/lifecycle-events.ts';
import type { DeploymentRow, TargetRow } from '../store/schema.ts';
import type { Store, StoreReader, StoreTransaction } from '../store/store.ts';
import { hostsOfTargets, targetsOf } from '../store/targets.ts';
import { type Applied, applyActions } from './apply.ts';
import { decide } from './decide.ts';
import { finishDeployment } from './finish.ts';
import { type FinishAction, STOPPED } from './hosts/ending.ts';
import { resolveTargets } from './hosts/resolve-targets.ts';
import type { DeploymentSnapshot, HostSnapshot } from './snapshot.ts';

export interface StepContext {
  readonly store: Pick<Store, 'wakeUps'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'uuid' | 'text' | 'fraction'>;
  /** Since when hosts could be heard of without a break. */
  listeningSinceMs(): number;
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
    // Stopped before it had targets: it gets none, so nothing about them can make it end in another way.
    const isStopped = deployment.stop_requested_at_ms !== null;
    const finished = isStopped ? STOPPED : await resolveTargets(tx, deployment, apply);
    if (finished !== null) {
      const followedBy = await finishDeployment(tx, deployment, [], finished, apply);
      return { hostArns: [], followedBy, finished };
    }
  }
  const targets = await targetsOf(tx, deployment.deployment_id);
  const snapshot = await readSnapshot(tx, deployment, targets, ctx.listeningSinceMs());
  const actions = decide(snapshot, apply.nowMs);
  const applied = await applyActions(tx, deployment, targets, actions, apply);
  await ctx.store.wakeUps.announce(tx, applied.hostArns);
  return { ...applied, finished: actions.find((action) => action.action === 'finish') ?? null };
}

/** All that a decision about a deployment follows from. */
export async function readSnapshot(
  db: StoreReader,
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  listeningSinceMs: number,
): Promise<DeploymentSnapshot> {
  const events = await eventsOfActiveTargets(db, deployment.deployment_id);
  const hosts = new Map(
    (await hostsOfTargets(db, deployment.deployment_id)).map((host) => [
      host.instance_id,
      { deregisteredAtMs: host.deregistered_at_ms, heardOfAtMs: host.last_polled_at_ms },
    ]),
  );
  return { ...snapshotOf(deployment, targets, events, hosts), listeningSinceMs };
}

const UNHEARD_OF: HostSnapshot = { deregisteredAtMs: null, heardOfAtMs: null };

function snapshotOf(
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  events: readonly DecisiveEvent[],
  hosts: ReadonlyMap<string, HostSnapshot>,
): Omit<DeploymentSnapshot, 'listeningSinceMs'> {
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
        host: hosts.get(target.instance_id) ?? UNHEARD_OF,
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
