/** Orders of a rollback to ECS: traffic goes back to the original task set, and the new one is deleted. Nothing is installed. */
import { changesFor, type Route, sharesOf, standingOf } from '../outside/aws/forwarding.ts';
import type { Progress, Standing } from './order.ts';
import {
  ageOf,
  detailsAfter,
  lookAtProduction,
  lookAtService,
  lookPauseMs,
  type ServiceSeen,
  type ServiceWork,
} from './service-work.ts';
import { ShiftFault } from './shift-retry.ts';

/** The next call of it: first traffic, then the primary task set, then the deletion. Each is repeated until a look shows its result. */
export async function reroute(work: ServiceWork): Promise<Progress> {
  const { ctx, call, details, pair } = work;
  const production = await lookAtProduction(work);
  const seen = await lookAtService(work);
  const { blue, green } = seen;
  const nudge = async (words: string, act: () => Promise<void>): Promise<Progress> => {
    await call.remember({}, words);
    await act();
    return { memory: {}, lastCall: words, lastAnswer: 'done', ending: 'later', inMs: 0 };
  };
  if (details.blueId !== null) {
    const faultless = requireBlue(work, seen);
    const changes = changesFor(production, pair, 0);
    if (changes.length > 0) {
      return nudge(
        `ModifyListener and ModifyRule (${changes.length}): all back to ${details.blueGroup.name}`,
        async () => {
          for (const place of changes) await ctx.listeners.write(place, call.signal);
        },
      );
    }
    if (faultless.status !== 'PRIMARY') {
      const words = `UpdateServicePrimaryTaskSet ${details.service} (${faultless.id})`;
      return nudge(words, () => ctx.ecs.makePrimary(details, faultless, call.signal));
    }
  }
  const standing = standingFor(work, seen, production);
  if (green === null)
    return { ...standing, ending: 'Succeeded', message: doneWords(work, 'The new task set is deleted.') };
  if (green.status === 'DRAINING') return { ...standing, ending: 'later', inMs: lookPauseMs(ageOf(work)) };
  const needed = whyNeeded(work, seen, production);
  if (needed !== null) return { ...standing, ending: 'Succeeded', message: doneWords(work, needed) };
  const words = `DeleteTaskSet ${details.service} (${green.id})`;
  return nudge(words, () => ctx.ecs.deleteTaskSet(details, green, call.signal));

  function doneWords({ details: { blueGroup } }: ServiceWork, rest: string): string {
    if (blue === null) return `There was no task set before, so no traffic was moved. ${rest}`;
    return `All production traffic goes to ${blue.id} in ${blueGroup.name}. ${rest}`;
  }
}

function requireBlue({ details }: ServiceWork, { blue }: ServiceSeen) {
  if (blue !== null && blue.status !== 'DRAINING') return blue;
  throw new ShiftFault(
    'INVALID_ECS_SERVICE',
    `The original task set ${details.blueId} is gone, so traffic cannot go back to it. Deploy its revision again.`,
  );
}

/** Why the new task set must not be deleted; null: nothing needs it. */
function whyNeeded({ details, pair }: ServiceWork, { green }: ServiceSeen, production: Route): string | null {
  if (green?.status === 'PRIMARY') return `${green.id} is the only task set of the service, and runs on.`;
  const place = production.places.find((one) => {
    const standing = standingOf(one, pair);
    if (standing.kind === 'mixed') return true;
    return standing.kind === 'pair' && standing.green > 0 && details.blueId !== null;
  });
  return place === undefined
    ? null
    : `${green?.id} is left: ${place.arn} still forwards to ${details.greenGroup.name}.`;
}

/** The test listener follows production. */
export async function moveTestTraffic(work: ServiceWork): Promise<Progress> {
  const { ctx, call, details, pair, plan, deployment } = work;
  const isBack = plan.isRollback === true;
  const none = (message: string): Progress => ({
    ...{ memory: {}, lastCall: null, lastAnswer: null, ending: 'Succeeded', message },
  });
  if (details.testListener === null) return none('The deployment group has no test listener.');
  if (isBack && details.blueId === null) return none('There was no task set before.');
  if (!isBack && deployment.stop_requested_at_ms !== null) {
    return { ...none(''), ending: 'Failed', message: 'The deployment was stopped before test traffic was moved.' };
  }
  const route = await ctx.listeners.route(details.testListener, call.signal);
  const goal = isBack ? details.blueGroup.name : details.greenGroup.name;
  const changes = changesFor(route, pair, isBack ? 0 : 100);
  if (changes.length === 0) {
    const lastCall = `DescribeListeners ${details.testListener}`;
    const lastAnswer = `${sharesOf(route, pair).length} of its actions forward to ${goal}`;
    return { memory: {}, lastCall, lastAnswer, ending: 'Succeeded', message: `Test traffic goes to ${goal}.` };
  }
  const words = `ModifyListener and ModifyRule (${changes.length}): test traffic to ${goal}`;
  await call.remember({}, words);
  for (const place of changes) await ctx.listeners.write(place, call.signal);
  return { memory: {}, lastCall: words, lastAnswer: 'done', ending: 'later', inMs: 0 };
}

function standingFor(work: ServiceWork, seen: ServiceSeen, production: Route): Standing {
  const { details } = work;
  const lastAnswer = seen.green === null ? 'the new task set is gone' : `${seen.green.id} is ${seen.green.status}`;
  return {
    ...{ memory: {}, lastCall: `DescribeServices ${details.service}`, lastAnswer },
    details: detailsAfter(work, seen, production),
  };
}
