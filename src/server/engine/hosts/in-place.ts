/**
 * An in-place deployment: each host gets the revision as soon as the minimum of healthy hosts allows one more to be out of service. Pure.
 *
 * Target       Pending → InProgress → Succeeded | Failed          Pending → Skipped
 * Event        Pending → ready → InProgress → Succeeded | Failed   Pending, ready → Skipped
 *
 * The events of a target are made ready one after another; ready: a poll of its host may take it. An event is InProgress once the host has
 * acknowledged it. One that fails fails its target, and what would follow is skipped.
 *
 * A deployment ends before all targets had their turn in three cases:
 * - as many targets failed as may be out of service: the waiting ones are skipped
 * - a stop: nothing begins any more; an event that runs is waited for, and its target ends with it. The deployment ends as Stopped,
 *   whatever that event's outcome is
 * - the time limit: everything ends at once, as failed where something had begun
 *
 * Nothing waits for what can never come. A host that was deregistered has failed, and so has one that owes a report and is not heard of any
 * more.
 *
 * In a large deployment most steps concern few targets. `decideInPart` looks at those alone, and takes the others as counts: they are as the
 * last step has left them. Where that is not enough, at a gate and at the end, it says so.
 */
import { DEPLOYMENT_LIMIT_MS } from '../limits.ts';
import type { Action, DeploymentSnapshot, OtherTargets } from '../snapshot.ts';
import { endingOf, finish } from './ending.ts';
import { addCounts, budget, countStatuses, mayStart, NO_TARGETS, requiredHealthyHosts } from './health.ts';
import { Target } from './target.ts';
import { decideWithinTargets } from './within-targets.ts';
import { turnOf, zonesOf } from './zones.ts';

/** @returns actions in the order in which they apply; the last one is a `finish`, or the `wake-at` of the next look */
export function decideInPlace(deployment: DeploymentSnapshot, nowMs: number): readonly Action[] {
  return decideAmong(deployment, { hosts: 0, counts: NO_TARGETS, wakeAtMs: Number.POSITIVE_INFINITY }, nowMs).actions;
}

/**
 * The same for some targets: all that have changed since the last step, and the first of those that wait for their turn.
 *
 * @returns null: what follows concerns the others, too
 */
export function decideInPart(
  deployment: DeploymentSnapshot,
  others: OtherTargets,
  nowMs: number,
): readonly Action[] | null {
  // Of a zone a part knows only some targets.
  if (deployment.zonal !== null) return decideWithinTargets(deployment, others, nowMs, DEPLOYMENT_LIMIT_MS);
  const { actions, concernsOthers } = decideAmong(deployment, others, nowMs);
  return concernsOthers ? null : actions;
}

function decideAmong(
  deployment: DeploymentSnapshot,
  others: OtherTargets,
  nowMs: number,
): { readonly actions: readonly Action[]; readonly concernsOthers: boolean } {
  const actions: Action[] = [];
  const targets = deployment.targets.map((target) => new Target(target, deployment, nowMs, actions));
  const countAll = () => addCounts(countStatuses(targets.map(({ status }) => status)), others.counts);
  const hosts = targets.length + others.hosts;
  const required = requiredHealthyHosts(hosts, deployment.minimum, deployment.deploymentConfigName);
  const allowed = budget(hosts, required);
  const deadlineMs = deployment.createdAtMs + DEPLOYMENT_LIMIT_MS;

  for (const target of targets) target.settle();
  const isOverdue = nowMs >= deadlineMs;
  const isStopped = deployment.stopRequestedAtMs !== null;
  const { zonal } = deployment;
  const allZones = () => (zonal === null ? [] : zonesOf(targets, zonal));
  const zones = allZones();
  const ending = endingOf({ counts: countAll(), allowed, isOverdue, isStopped, zones });
  for (const target of targets) {
    if (ending !== null) target.skip();
    if (ending === 'stopped') target.stop();
    if (isOverdue) target.giveUp();
  }
  const turn = zonal === null || ending !== null ? null : turnOf(zones, zonal, nowMs);
  const startable = Math.min(mayStart(countAll(), allowed), turn?.mayStart ?? Number.POSITIVE_INFINITY);
  const waiting = targets.filter(({ status, zone }) => status === 'Pending' && (turn === null || zone === turn.zone));
  for (const target of waiting.slice(0, startable)) target.start();
  for (const target of targets) target.goOn();

  const counts = countAll();
  const isOver = counts.pending === 0 && counts.inProgress === 0;
  if (isOver) {
    actions.push(finish(counts, { ending, required, hosts, zones: allZones(), alarm: deployment.stoppedByAlarm }));
  } else {
    const limits = targets.flatMap((target) => target.waitsFor()?.giveUpAtMs ?? []);
    actions.push({
      action: 'wake-at',
      atMs: Math.min(deadlineMs, others.wakeAtMs, turn?.opensAtMs ?? deadlineMs, ...limits),
    });
  }
  const isSkipped = ending !== null && others.counts.pending > 0;
  const isGivenUp = isOverdue && others.counts.inProgress > 0;
  const areOthersStarted = startable > waiting.length;
  // The end is written down for every host.
  const isEndOfOthers = isOver && others.hosts > 0;
  return { actions, concernsOthers: isSkipped || isGivenUp || areOthersStarted || isEndOfOthers };
}
