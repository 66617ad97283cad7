import { forgetChangedTargets } from '../store/changed-targets.ts';
import { inChunks } from '../store/chunks.ts';
import { lockOpenEvents } from '../store/lifecycle-events.ts';
import type { DeploymentRow, TargetRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { someTargetsOf, statusCountsOf } from '../store/targets.ts';
import { applyActions, hostsWithWork } from './apply.ts';
import { decidePart } from './decide.ts';
import type { TargetCounts } from './hosts/health.ts';
import { noteNotices } from './note-notices.ts';
import { readPart } from './read-snapshot.ts';
import { suspendsOf } from './settings.ts';
import type { OtherTargets } from './snapshot.ts';
import { NOTHING, type StepContext, type StepResult } from './step.ts';

/**
 * One step of a deployment that costs what has changed. It looks only at targets of which an event has ended, and at as many waiting
 * targets as may take their places. The deployment must be locked. It never ends a deployment.
 *
 * This rests on what every step leaves behind: all other targets wait for their hosts, their turn, or nothing any more. Other changes
 * (time, a stop, a deregistered host, a disabled key) show in `wake_at_ms`, and then all is read.
 *
 * @param changed the deployment's instances with an event that has ended, read since the deployment is locked
 * @returns null: the whole is needed, and nothing was written
 */
export async function takePartOfStep(
  ctx: StepContext,
  tx: StoreTransaction,
  deployment: DeploymentRow | null,
  changed: readonly string[],
): Promise<StepResult | null> {
  const nowMs = ctx.clock.now();
  if (deployment === null) return NOTHING;
  const { deployment_id: deploymentId, wake_at_ms: wakeAtMs } = deployment;
  if (deployment.status !== 'InProgress' || wakeAtMs === null || wakeAtMs <= nowMs) return null;
  if (changed.length === 0) return NOTHING;

  const chunks = [...inChunks(changed)];
  const [targets, counts] = await Promise.all([
    someTargetsOf(tx, deploymentId, { instanceIds: changed, limit: changed.length }),
    statusCountsOf(tx, deploymentId),
    ...chunks.map((chunk) => lockOpenEvents(tx, deploymentId, chunk)),
  ]);
  const others = othersThan(targets, counts, wakeAtMs);
  const snapshot = await readPart(tx, deployment, targets, ctx.listeningSinceMs());
  const actions = decidePart(snapshot, others, nowMs);
  if (actions === null) return null;
  // Before its end processes are to run again.
  if (suspendsOf(deployment) !== null && actions.some(({ action }) => action === 'finish')) return null;

  const [applied] = await Promise.all([
    applyActions(tx, deployment, targets, actions, { random: ctx.random, nowMs }),
    forgetChangedTargets(tx, deploymentId, changed),
    ctx.store.wakeUps.announce(tx, hostsWithWork(targets, actions)),
  ]);
  await noteNotices(tx, deployment, targets, nowMs);
  return { ...applied, finished: null };
}

type StatusCounts = Awaited<ReturnType<typeof statusCountsOf>>;

function othersThan(targets: readonly TargetRow[], all: StatusCounts, wakeAtMs: number): OtherTargets {
  const own = (status: keyof StatusCounts) => targets.filter((target) => target.status === status).length;
  const rest = (status: keyof StatusCounts) => (all[status] ?? 0) - own(status);
  const counts: TargetCounts = {
    pending: rest('Pending'),
    inProgress: rest('InProgress'),
    succeeded: rest('Succeeded'),
    failed: rest('Failed'),
    skipped: rest('Skipped'),
  };
  const hosts = Object.values(all).reduce((sum, count) => sum + count, 0) - targets.length;
  return { hosts, counts, wakeAtMs };
}
