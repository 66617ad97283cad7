/** Orders of a rollback to ECS: traffic goes back to the original task set, and the new one is deleted. Nothing is installed. */

import { groupNames, type PairDetails, pairsOf, type ServiceDetails } from '../engine/shifting/service-plan.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import { changesFor, type Place, type Route, sharesOf, standingOf } from '../outside/aws/forwarding.ts';
import type { Progress, Standing } from './order.ts';
import {
  ageOf,
  detailsAfter,
  lookAtProduction,
  lookAtService,
  lookAtTests,
  lookPauseMs,
  type ServiceSeen,
  type ServiceWork,
} from './service-work.ts';
import { ShiftFault } from './shift-retry.ts';

/** A task set that drains for longer than this is left to ECS. */
const DRAINING_LIMIT_MS = 60 * 60_000;

/**
 * The next call of it: first production, then the primary task set, test traffic, and the deletion. Each is repeated until a look shows its
 * result.
 */
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
        `ModifyListener and ModifyRule (${changes.length}): all back to ${groupNames(details, 'blueGroup')}`,
        () => writeAll(work, changes),
      );
    }
    if (faultless.status !== 'PRIMARY') {
      const words = `UpdateServicePrimaryTaskSet ${details.service} (${faultless.id})`;
      return nudge(words, () => ctx.ecs.makePrimary(details, faultless, call.signal));
    }
    const ofTests = await testTrafficBack(work);
    if (ofTests.length > 0) {
      return nudge(
        `ModifyListener and ModifyRule (${ofTests.length}): test traffic to ${groupNames(details, 'blueGroup')}`,
        () => writeAll(work, ofTests),
      );
    }
  }
  const standing = standingFor(work, seen, production);
  if (green === null)
    return { ...standing, ending: 'Succeeded', message: doneWords(work, 'The new task set is deleted.') };
  // Traffic is back: nothing that is left is worth a wait that somebody has ended.
  if (work.deployment.stop_requested_at_ms !== null) {
    return { ...standing, ending: 'Failed', message: doneWords(work, `${green.id} is ${green.status}, and left so.`) };
  }
  if (green.status === 'DRAINING') {
    if (ageOf(work) < DRAINING_LIMIT_MS) return { ...standing, ending: 'later', inMs: lookPauseMs(ageOf(work)) };
    return { ...standing, ending: 'Succeeded', message: doneWords(work, `${green.id} still drains after an hour.`) };
  }
  const needed = whyNeeded(work, seen, production);
  if (needed !== null) return { ...standing, ending: 'Succeeded', message: doneWords(work, needed) };
  const words = `DeleteTaskSet ${details.service} (${green.id})`;
  return nudge(words, () => ctx.ecs.deleteTaskSet(details, green, call.signal));

  function doneWords({ details: original }: ServiceWork, rest: string): string {
    if (blue === null) return `There was no task set before, so no traffic was moved. ${rest}`;
    return `All production traffic goes to ${blue.id} in ${groupNames(original, 'blueGroup')}. ${rest}`;
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
    : `${green?.id} is left: ${place.arn} still forwards to ${groupNames(details, 'greenGroup')}.`;
}

/** The test listener follows production. */
export async function moveTestTraffic(work: ServiceWork): Promise<Progress> {
  const { call, details, pair, plan, deployment } = work;
  const isBack = plan.isRollback === true;
  const none = (message: string): Progress => ({
    ...{ memory: {}, lastCall: null, lastAnswer: null, ending: 'Succeeded', message },
  });
  if (!hasTests(details)) return none('The deployment group has no test listener.');
  if (isBack && details.blueId === null) return none('There was no task set before.');
  if (!isBack && deployment.stop_requested_at_ms !== null) {
    return { ...none(''), ending: 'Failed', message: 'The deployment was stopped before test traffic was moved.' };
  }
  if (isBack) return backToBlue(work);
  const route = await lookAtTests(work);
  const goal = groupNames(details, 'greenGroup');
  if (route === null) return none('The deployment group has no test listener.');
  const changes = changesFor(route, pair, 100);
  if (changes.length === 0) {
    const lastCall = `DescribeListeners ${route.listenerArn}`;
    const lastAnswer = `${sharesOf(route, pair).length} of its actions forward to ${goal}`;
    return { memory: {}, lastCall, lastAnswer, ending: 'Succeeded', message: `Test traffic goes to ${goal}.` };
  }
  const words = `ModifyListener and ModifyRule (${changes.length}): test traffic to ${goal}`;
  await call.remember({}, words);
  await writeAll(work, changes);
  return { memory: {}, lastCall: words, lastAnswer: 'done', ending: 'later', inMs: 0 };
}

/** In a rollback test traffic keeps production from nothing: what fails here is tried again once production is back. */
async function backToBlue(work: ServiceWork): Promise<Progress> {
  const lastCall = `DescribeListeners ${work.details.testListener}`;
  const done = (lastAnswer: string, message: string): Progress => ({
    ...{ memory: {}, lastCall, lastAnswer, ending: 'Succeeded', message },
  });
  try {
    const changes = await testTrafficBack(work);
    await work.call.remember({}, `ModifyListener and ModifyRule (${changes.length}): test traffic back`);
    await writeAll(work, changes);
    return done('done', `Test traffic goes to ${groupNames(work.details, 'blueGroup')}.`);
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    return done(error.answer, `Test traffic follows production. ${error.call}: ${error.answer}.`);
  }
}

function hasTests(details: ServiceDetails): boolean {
  return pairsOf<PairDetails>(details).some(({ testListener }) => testListener !== null);
}

/** Places of the test listeners that do not forward to blue alone. A listener that is gone forwards nothing. */
async function testTrafficBack({ ctx, call, details, pair }: ServiceWork): Promise<readonly Place[]> {
  const listeners = new Set(pairsOf<PairDetails>(details).flatMap(({ testListener }) => testListener ?? []));
  const changes: Place[] = [];
  for (const arn of listeners) {
    try {
      changes.push(...changesFor(await ctx.listeners.route(arn, call.signal), pair, 0));
    } catch (error) {
      if (!(error instanceof AwsFault && error.trouble === 'missing')) throw error;
    }
  }
  return changes;
}

async function writeAll({ ctx, call }: ServiceWork, places: readonly Place[]): Promise<void> {
  for (const place of places) await ctx.listeners.write(place, call.signal);
}

function standingFor(work: ServiceWork, seen: ServiceSeen, production: Route): Standing {
  const { details } = work;
  const lastAnswer = seen.green === null ? 'the new task set is gone' : `${seen.green.id} is ${seen.green.status}`;
  return {
    ...{ memory: {}, lastCall: `DescribeServices ${details.service}`, lastAnswer },
    details: detailsAfter(work, seen, production),
  };
}
