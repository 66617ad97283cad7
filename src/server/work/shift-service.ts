/** Orders of the event AllowTraffic of a deployment to ECS: production traffic moves from the old task set to the new one. */
import { groupNames, type PairDetails, pairsOf } from '../engine/shifting/service-plan.ts';
import { hasMoved } from '../engine/shifting/steps.ts';
import { isRollbackWanted } from '../engine/wanted-rollback.ts';
import type { AwsFault } from '../outside/aws/aws-fault.ts';
import { type Place, type Route, sharesOf } from '../outside/aws/forwarding.ts';
import { describeTaskSet, isSteady, type TaskSetSeen } from '../outside/aws/task-sets.ts';
import type { Progress, Standing } from './order.ts';
import { serviceFaultCode } from './service-faults.ts';
import { backward, forward, type TrafficShare } from './service-traffic.ts';
import { detailsAfter, lookAtProduction, lookAtService, type ServiceSeen, type ServiceWork } from './service-work.ts';
import { afterFault } from './shift-retry.ts';

/** How long traffic is led back in vain before the event is given up. */
const BACK_LIMIT_MS = 60 * 60_000;
/** How long green may have no healthy task before traffic moves, or moves on. */
const HEALTH_LIMIT_MS = 5 * 60_000;
const HEALTH_LOOK_MS = 2_000;
const STOPPED_AGAIN_MS = 1_000;

export async function shift(work: ServiceWork, memory: TrafficShare): Promise<Progress> {
  const { ctx, deployment, details, pair, plan } = work;
  const production = await lookAtProduction(work);
  const seen = await lookAtService(work);
  const standing = standingOf(work, seen, production);
  // What has begun to go back goes all the way, whoever stops it: it would be left divided else.
  if (memory.backBecause !== null) return back(work, seen, production, standing, memory);
  if (deployment.stop_requested_at_ms !== null) return stopped(work, production, standing, memory);
  const isFirst = details.blueId === null;
  const schedule = isFirst ? { steps: [100], intervalMs: 0 } : plan.schedule;
  const step = forward(memory, { route: production, pair, schedule, isFirst, nowMs: ctx.clock.now() });
  if (step.is === 'foreign') {
    const foreign = step.changes.map(({ arn }) => arn);
    const said = step.changes.map(({ words }) => words).join('; ');
    const reason = `ELASTIC_LOAD_BALANCING_INVALID: Somebody else has changed the traffic: ${said}.`;
    return giveUp({ ...memory, foreign }, reason, standing);
  }
  const { green } = seen;
  if (green === null || green.status === 'DRAINING') {
    const reason = 'ECS_UPDATE_ERROR: Somebody else has deleted the new task set while traffic moved to it.';
    return giveUp(step.memory, reason, standing);
  }
  if (step.is === 'wait') {
    const inMs = step.untilMs - ctx.clock.now();
    return { ...standing, memory: { ...step.memory, unhealthySinceMs: null }, ending: 'later', inMs };
  }
  if (step.is === 'done') return makePrimary(work, green, standing, step.memory);
  const unhealthy = await healthOf(work, green, memory);
  if (unhealthy !== null) return notHealthy(work, unhealthy, memory, standing);
  return write(work, step.percent, step.changes, step.memory);
}

/** The changes of one step. They are written down before, so that a server that is killed meanwhile looks for what came of them. */
async function write(
  work: ServiceWork,
  percent: number,
  changes: readonly Place[],
  memory: TrafficShare,
): Promise<Progress> {
  const { ctx, call, details } = work;
  const words = `${changes.map(({ kind }) => (kind === 'listener' ? 'ModifyListener' : 'ModifyRule')).join(', ')}: ${percent}% to ${groupNames(details, 'greenGroup')}`;
  if (changes.length > 0) await call.remember(memory, words);
  for (const place of changes) await ctx.listeners.write(place, call.signal);
  // The next look says whether the balancer has it so.
  return {
    memory: { ...memory, failing: null, unhealthySinceMs: null },
    lastCall: words,
    lastAnswer: 'done',
    ending: 'later',
    inMs: 0,
  };
}

/**
 * Before the first step all tasks must run and be healthy; before later ones at least one must be.
 *
 * @returns why not; null: traffic may move
 */
async function healthOf(work: ServiceWork, green: TaskSetSeen, memory: TrafficShare): Promise<string | null> {
  const { ctx, call, details } = work;
  if (memory.progress.step < 0 && !isSteady(green)) return `${green.id}: ${describeTaskSet(green, ctx.clock.now())}`;
  if (green.desired === 0) return null;
  for (const { greenGroup } of pairsOf<PairDetails>(details)) {
    const { healthy, registered, others } = await ctx.listeners.health(greenGroup, call.signal);
    if (healthy > 0) continue;
    const states = others.length === 0 ? '' : `: ${others.join(', ')}`;
    return `none of ${registered} targets in ${greenGroup.name} is healthy${states}`;
  }
  return null;
}

function notHealthy(
  { ctx }: ServiceWork,
  why: string,
  memory: TrafficShare,
  standing: Omit<Standing, 'memory'>,
): Progress {
  const nowMs = ctx.clock.now();
  const sinceMs = memory.unhealthySinceMs ?? nowMs;
  const waiting: TrafficShare = { ...memory, failing: null, unhealthySinceMs: sinceMs };
  const said = { ...standing, lastAnswer: why };
  if (nowMs - sinceMs < HEALTH_LIMIT_MS) return { ...said, memory: waiting, ending: 'later', inMs: HEALTH_LOOK_MS };
  const reason = `ECS_UPDATE_ERROR: The new tasks could not take traffic for ${HEALTH_LIMIT_MS / 60_000} minutes: ${why}.`;
  return giveUp(waiting, reason, said);
}

/** After the last step the service itself goes by the new task set: its scaling, and who asks what serves. */
async function makePrimary(
  work: ServiceWork,
  green: TaskSetSeen,
  standing: Omit<Standing, 'memory'>,
  memory: TrafficShare,
): Promise<Progress> {
  const { ctx, call, details } = work;
  if (green.status === 'PRIMARY') {
    const message = `All production traffic goes to ${green.id} in ${groupNames(details, 'greenGroup')}.`;
    return { ...standing, memory, ending: 'Succeeded', message };
  }
  const words = `UpdateServicePrimaryTaskSet ${details.service} (${green.id})`;
  await call.remember(memory, words);
  await ctx.ecs.makePrimary(details, green, call.signal);
  return {
    ...standing,
    memory: { ...memory, failing: null },
    lastCall: words,
    lastAnswer: 'done',
    ending: 'later',
    inMs: 0,
  };
}

/** Traffic goes back before the event fails; where nothing has moved it fails at once. */
function giveUp(memory: TrafficShare, reason: string, standing: Omit<Standing, 'memory'>): Progress {
  if (!hasMoved(memory)) return { ...standing, memory, ending: 'Failed', message: reason };
  return { ...standing, memory: { ...memory, backBecause: reason, failing: null }, ending: 'later', inMs: 0 };
}

async function back(
  work: ServiceWork,
  { blue, green }: ServiceSeen,
  production: Route,
  standing: Omit<Standing, 'memory'>,
  memory: TrafficShare,
): Promise<Progress> {
  const { ctx, call, details, pair } = work;
  const reason = memory.backBecause ?? '';
  const failed = (text: string): Progress => ({ ...standing, memory, ending: 'Failed', message: `${reason} ${text}` });
  if (details.blueId === null)
    return failed('It is the first task set of the service, so its traffic stays where it is.');
  if (blue === null || blue.status === 'DRAINING') {
    return failed(`The original task set ${details.blueId} is gone, so the traffic stays where it is.`);
  }
  const changes = backward(memory, production, pair);
  if (changes.length > 0) {
    const words = `ModifyListener and ModifyRule (${changes.length}): all back to ${groupNames(details, 'blueGroup')}`;
    await call.remember(memory, words);
    for (const place of changes) await ctx.listeners.write(place, call.signal);
    return {
      ...standing,
      memory: { ...memory, failing: null },
      lastCall: words,
      lastAnswer: 'done',
      ending: 'later',
      inMs: 0,
    };
  }
  if (green?.status === 'PRIMARY') {
    const words = `UpdateServicePrimaryTaskSet ${details.service} (${blue.id})`;
    await call.remember(memory, words);
    await ctx.ecs.makePrimary(details, blue, call.signal);
    return { ...standing, memory, lastCall: words, lastAnswer: 'done', ending: 'later', inMs: 0 };
  }
  const left = memory.foreign.length === 0 ? '' : ` ${memory.foreign.join(', ')} is left as somebody else has set it.`;
  return failed(`All production traffic is back at ${blue.id} in ${groupNames(details, 'blueGroup')}.${left}`);
}

/** The event ends where the traffic is. A rollback that follows leads it back. */
function stopped(
  { deployment, details, pair }: ServiceWork,
  production: Route,
  standing: Omit<Standing, 'memory'>,
  memory: TrafficShare,
): Progress {
  const shares = sharesOf(production, pair).map(({ green }) => green);
  const isDivided = shares.some((share) => share !== 0 && share !== 100) || new Set(shares).size > 1;
  const message = isRollbackWanted(deployment, null, 'Stopped')
    ? 'A rollback leads the traffic back.'
    : isDivided
      ? `The traffic is left divided: ${shares.map((share) => `${share}%`).join(', ')} goes to ${groupNames(details, 'greenGroup')}. The next ` +
        'deployment leads all of it to the PRIMARY task set before it begins.'
      : `All production traffic goes to ${groupNames(details, shares[0] === 100 ? 'greenGroup' : 'blueGroup')}.`;
  return { ...standing, memory, ending: 'Failed', message };
}

export function onTrafficFault(work: ServiceWork, fault: AwsFault, memory: TrafficShare): Progress {
  const { ctx, deployment } = work;
  const said = { lastCall: fault.call, lastAnswer: fault.answer };
  if (deployment.stop_requested_at_ms !== null) return { ...said, memory, ending: 'later', inMs: STOPPED_AGAIN_MS };
  const isBack = memory.backBecause !== null;
  const limit = isBack ? { limitMs: BACK_LIMIT_MS } : {};
  const next = afterFault(memory.failing, fault, { code: serviceFaultCode(fault), nowMs: ctx.clock.now(), ...limit });
  const failing: TrafficShare = { ...memory, failing: next.failing };
  if (next.is === 'again') return { ...said, memory: failing, ending: 'later', inMs: next.inMs };
  if (!isBack) return giveUp(failing, next.message, said);
  const message = `${memory.backBecause} ${next.message} The traffic could not be led back: put the listener right by hand.`;
  return { ...said, memory: failing, ending: 'Failed', message };
}

function standingOf(work: ServiceWork, seen: ServiceSeen, production: Route): Omit<Standing, 'memory'> {
  const { details, pair } = work;
  const shares = sharesOf(production, pair).map(({ green }) => `${green}%`);
  return {
    lastCall: `DescribeListeners ${production.listenerArn}`,
    lastAnswer: `${[...new Set(shares)].join(' and ')} to ${groupNames(details, 'greenGroup')}`,
    details: detailsAfter(work, seen, production),
  };
}
