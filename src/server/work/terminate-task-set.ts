/** Orders to delete the original task set once the new one has all traffic and the wait is over. */
import { eachPair, type GroupPair, type Route, sharesOf } from '../outside/aws/forwarding.ts';
import type { Progress, Standing } from './order.ts';
import { ageOf, detailsAfter, lookAtProduction, lookAtService, lookPauseMs, type ServiceWork } from './service-work.ts';

/** A task set that drains for longer than this is left to ECS. */
const LIMIT_MS = 60 * 60_000;

export async function terminate(work: ServiceWork): Promise<Progress> {
  const { ctx, call, details, pair } = work;
  const seen = await lookAtService(work);
  const production = await lookAtProduction(work);
  const { blue } = seen;
  const standing: Standing = {
    ...{ memory: {}, lastCall: `DescribeServices ${details.service}`, details: detailsAfter(work, seen, production) },
    lastAnswer: blue === null ? 'the original task set is gone' : `${blue.id} is ${blue.status}`,
  };
  if (blue === null) return { ...standing, ending: 'Succeeded', message: 'The original task set is deleted.' };
  if (blue.status === 'DRAINING') {
    if (ageOf(work) < LIMIT_MS) return { ...standing, ending: 'later', inMs: lookPauseMs(ageOf(work)) };
    return { ...standing, ending: 'Failed', message: `The original task set ${blue.id} still drains after an hour.` };
  }
  const why = whyKept(production, pair, blue.status);
  if (why !== null) {
    return { ...standing, ending: 'Failed', message: `The original task set ${blue.id} is kept: ${why}.` };
  }
  const words = `DeleteTaskSet ${details.service} (${blue.id})`;
  await call.remember({}, words);
  await ctx.ecs.deleteTaskSet(details, blue, call.signal);
  return { ...standing, lastCall: words, lastAnswer: 'done', ending: 'later', inMs: 0 };
}

/** Why the original task set must stay; null: nothing needs it. */
function whyKept(production: Route, pair: GroupPair, status: string): string | null {
  const idle = eachPair(pair).find((one) => sharesOf(production, one).length === 0);
  if (idle !== undefined) {
    return `${production.listenerArn} and its rules forward to neither ${idle.blue} nor ${idle.green} any more`;
  }
  const serving = sharesOf(production, pair).find(({ green }) => green !== 100);
  if (serving !== undefined) {
    return `${serving.arn} sends ${100 - serving.green}% of its traffic there, which this deployment has not set`;
  }
  return status === 'PRIMARY' ? 'somebody else has made it PRIMARY again' : null;
}
