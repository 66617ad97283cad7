/**
 * A blue/green deployment: replacement hosts (green) get the revision, then the traffic, and then the original hosts (blue) lose theirs. Pure.
 *
 * Green        Pending → InProgress → Ready → InProgress → Succeeded | Failed
 * Blue         Pending → InProgress → Succeeded | Failed
 *
 * The minimum of healthy hosts holds for the green fleet, once while it is installed and once while it takes traffic. Blue hosts leave their
 * load balancers all together, after enough green ones have come to theirs. So at any time one of the fleets serves.
 *
 * Two waits lie in between. The first, before traffic moves, is for ContinueDeployment. The second comes before the blue hosts are terminated,
 * and a stop within it can still lead traffic back. When they end follows from times in the rows, so a restart changes nothing about them.
 *
 * @see the AWS CodeDeploy user guide, "Overview of a CodeDeploy deployment: EC2/On-Premises compute platform, blue/green"
 */
import { BLUE_GREEN_LIMIT_MS } from '../limits.ts';
import type { Action, BlueGreenSnapshot, DeploymentSnapshot, OtherTargets } from '../snapshot.ts';
import type { ReplacementPlan } from './blue-green-plan.ts';
import { completeCopy, deleteOriginalGroup } from './copied-group.ts';
import { type FinishAction, failedWith, SUCCEEDED, stoppedBy } from './ending.ts';
import { budget, requiredHealthyHosts } from './health.ts';
import { ALL_AT_ONCE, countsOf, type Fleets, moveOn, type Pace } from './stages.ts';
import { Target } from './target.ts';
import { terminateOriginals } from './termination.ts';
import { decideWayBack } from './way-back.ts';
import { decideWithinTargets } from './within-targets.ts';

/** Result of a part of a decision: the end, the time of the next look, or null: the next part. */
type Outlook = FinishAction | number | null;

/** @returns actions in the order in which they apply; the last one is a `finish`, or the `wake-at` of the next look */
export function decideBlueGreen(
  deployment: DeploymentSnapshot,
  state: BlueGreenSnapshot,
  nowMs: number,
): readonly Action[] {
  const actions: Action[] = [];
  const targets = deployment.targets.map((target) => new Target(target, deployment, nowMs, actions));
  const { plan } = state;
  const leaving = plan.course === 'blue-green' ? 'blue' : 'green';
  for (const target of targets) {
    // A host that is gone before it was to leave has nothing left to do.
    if (target.label === leaving && target.isGone) target.skip();
    target.settle();
  }
  const fleets: Fleets = { targets, green: ofLabel(targets, 'green'), blue: ofLabel(targets, 'blue') };
  const deadlineMs = deployment.createdAtMs + BLUE_GREEN_LIMIT_MS;
  const isOverdue = nowMs >= deadlineMs && targets.some(({ isOver }) => !isOver);
  const going: Going = { deployment, state, fleets, nowMs, actions };
  let outlook: Outlook;
  if (deployment.stopRequestedAtMs !== null || isOverdue) outlook = breakOff(going, isOverdue);
  else outlook = plan.course === 'blue-green' ? goForward(going, plan) : decideWayBack(deployment, fleets);
  if (typeof outlook === 'object' && outlook !== null) return [...actions, outlook];
  const limits = targets.flatMap((target) => target.waitsFor()?.giveUpAtMs ?? []);
  if (outlook !== null) limits.push(outlook);
  if (targets.some(({ isOver }) => !isOver)) limits.push(deadlineMs);
  return [...actions, { action: 'wake-at', atMs: Math.min(...limits) }];
}

/** The same for some targets. @returns null: what follows concerns the others, too */
export function decideBlueGreenInPart(
  deployment: DeploymentSnapshot,
  others: OtherTargets,
  nowMs: number,
): readonly Action[] | null {
  return decideWithinTargets(deployment, others, nowMs, BLUE_GREEN_LIMIT_MS);
}

/** A decision while it is made. */
interface Going {
  readonly deployment: DeploymentSnapshot;
  readonly state: BlueGreenSnapshot;
  readonly fleets: Fleets;
  readonly nowMs: number;
  readonly actions: Action[];
}

function ofLabel(targets: readonly Target[], label: 'blue' | 'green'): readonly Target[] {
  return targets.filter((target) => target.label === label);
}

/** Nothing begins any more: somebody has stopped the deployment, or it has taken too long. */
function breakOff({ deployment, fleets: { targets } }: Going, isOverdue: boolean): Outlook {
  const isStopped = deployment.stopRequestedAtMs !== null;
  for (const target of targets) {
    target.skip();
    if (isStopped) target.stop();
    if (isOverdue) target.giveUp();
  }
  if (targets.some(({ isOver }) => !isOver)) return null;
  if (isStopped) return stoppedBy(deployment.stoppedByAlarm);
  return failedWith('TIMEOUT', `The deployment took longer than ${BLUE_GREEN_LIMIT_MS / 3_600_000} hours.`);
}

function goForward(going: Going, plan: ReplacementPlan): Outlook {
  const { deployment, state, fleets, nowMs, actions } = going;
  const { green, blue } = fleets;
  const hosts = green.length;
  const pace = paceOf(hosts, deployment);

  if (!moveOn(green, 'install', pace)) return null;
  const installed = countsOf(green, 'install');
  if (installed.passed < pace.required) return endAll(fleets, notInstalled(hosts, pace, installed.failed));
  if (state.readyAtMs === null) actions.push({ action: 'begin-wait', wait: 'ready' });
  const gate = throughReadyWait(going, plan);
  if (gate !== null) return gate;

  const there = withoutGone(green, state);
  const traffic = paceOf(there.length, deployment);
  if (!moveOn(there, 'take-traffic', traffic)) return null;
  const serving = countsOf(there, 'take-traffic');
  if (serving.passed < traffic.required) {
    const message =
      `Too few replacement instances take traffic: ${serving.passed} of ${there.length} do, ${serving.failed} failed, and the deployment ` +
      `configuration wants ${traffic.required}. The original instances are still in their load balancers.`;
    return endAll(fleets, failedWith('HEALTH_CONSTRAINTS', message));
  }

  if (!moveOn(blue, 'all', ALL_AT_ONCE)) return null;
  const { failed } = countsOf(blue, 'all');
  if (failed > 0) {
    const message = `${failed} of ${blue.length} original instances could not be taken out of their load balancers.`;
    return failedWith('HEALTH_CONSTRAINTS', message);
  }
  return (
    completeCopy(state, plan, nowMs, actions) ??
    throughTerminationWait(state, plan, nowMs, actions) ??
    terminateOriginals(state, plan, blue, nowMs, actions) ??
    deleteOriginalGroup(state, plan, nowMs, actions) ??
    SUCCEEDED
  );
}

function paceOf(hosts: number, { minimum, deploymentConfigName }: DeploymentSnapshot): Pace {
  const required = requiredHealthyHosts(hosts, minimum, deploymentConfigName);
  return { allowed: budget(hosts, required), required: Math.max(required, 1) };
}

/** Skips replacement hosts that AWS has ended while they waited for traffic. Nobody counts on them any more. @returns the others */
function withoutGone(green: readonly Target[], { goneInAws = [] }: BlueGreenSnapshot): readonly Target[] {
  const gone = green.filter(({ instanceId }) => goneInAws.includes(instanceId));
  for (const target of gone) if (target.status === 'Ready') target.skip();
  return green.filter((target) => !gone.includes(target) || target.status !== 'Skipped');
}

function notInstalled(hosts: number, { allowed, required }: Pace, failed: number): FinishAction {
  return allowed < 1
    ? failedWith(
        'HEALTH_CONSTRAINTS_INVALID',
        `The deployment configuration needs ${required} of ${hosts} replacement instances healthy at any time, so no instance can be ` +
          'deployed to. Choose a configuration with a lower minimum of healthy hosts, or add hosts.',
      )
    : failedWith(
        'HEALTH_CONSTRAINTS',
        `Too many replacement instances failed: ${failed} of ${hosts}. The deployment configuration needs ${required} healthy. ` +
          'The original instances have all their traffic.',
      );
}

/** @returns the ending, once no target is left with anything to do */
function endAll({ targets }: Fleets, ending: FinishAction): FinishAction {
  for (const target of targets) target.skip();
  return ending;
}

/** @returns null: traffic may move */
function throughReadyWait(
  { state, fleets, nowMs, actions }: Going,
  { readyWaitMs }: ReplacementPlan,
): FinishAction | number | null {
  if (readyWaitMs === null || state.continuedAtMs !== null) {
    if (state.isReady) actions.push({ action: 'set-status', status: 'InProgress' });
    return null;
  }
  const endsAtMs = (state.readyAtMs ?? nowMs) + readyWaitMs;
  if (nowMs < endsAtMs) {
    if (!state.isReady) actions.push({ action: 'set-status', status: 'Ready' });
    return endsAtMs;
  }
  return endAll(fleets, {
    action: 'finish',
    status: 'Stopped',
    errorCode: 'TIMEOUT',
    errorMessage: `Nobody has continued the deployment within ${readyWaitMs / 60_000} minutes. No traffic was rerouted; the replacement instances run on.`,
  });
}

/** @returns when the wait ends; null: there is none, or it is over */
function throughTerminationWait(
  state: BlueGreenSnapshot,
  { terminationWaitMs }: ReplacementPlan,
  nowMs: number,
  actions: Action[],
): number | null {
  if (terminationWaitMs === null) return null;
  if (state.terminationWaitAtMs === null) actions.push({ action: 'begin-wait', wait: 'termination' });
  const endsAtMs = (state.terminationWaitAtMs ?? nowMs) + terminationWaitMs;
  return nowMs < endsAtMs && state.waitSkippedAtMs === null ? endsAtMs : null;
}
