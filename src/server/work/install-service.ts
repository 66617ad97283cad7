/** Orders of the event Install of a deployment to ECS: the new task set is made, and waited for until it is steady. */
import { groupNames } from '../engine/shifting/service-plan.ts';
import { isRollbackWanted } from '../engine/wanted-rollback.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import { changesFor, eachPair, faultOfRoute, type Place } from '../outside/aws/forwarding.ts';
import { taskSetRequest } from '../outside/aws/task-set-request.ts';
import {
  describeTaskSet,
  failedStartLimit,
  failedStarts,
  isSteady,
  type StoppedTask,
  type TaskSetSeen,
} from '../outside/aws/task-sets.ts';
import type { Progress, Standing } from './order.ts';
import { requireFreeGroup } from './service-preflight.ts';
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

export interface InstallMemory {
  /** Id of the task set once it was seen; null: not yet. */
  readonly madeId: string | null;
}

/** As the hosted service has it for every event. */
const LIMIT_MS = 60 * 60_000;

export async function install(work: ServiceWork, memory: InstallMemory): Promise<Progress> {
  const seen = await lookAtService(work);
  const { deployment, plan } = work;
  if (plan.isRollback === true) return keepOriginal(work, seen, memory);
  if (deployment.stop_requested_at_ms !== null) return stopped(work, seen, memory);
  if (seen.green !== null) return untilSteady(work, seen, seen.green);
  if (memory.madeId !== null) {
    throw new ShiftFault('ECS_UPDATE_ERROR', `Somebody else has deleted the new task set ${memory.madeId}.`);
  }
  if (ageOf(work) >= LIMIT_MS) return tooLate(work, seen, memory);
  return (
    (await prepareListeners(work, seen, memory)) ??
    (await clearGroup(work, seen, memory)) ??
    makeTaskSet(work, seen, memory)
  );
}

/** A rollback makes nothing: the task set that served before is still there. */
function keepOriginal(work: ServiceWork, seen: ServiceSeen, memory: InstallMemory): Progress {
  const standing = standingOf(work, seen, memory, `blue is ${seen.blue?.id ?? 'not there'}`);
  return { ...standing, ending: 'Succeeded', message: 'A rollback makes no task set: the original one still runs.' };
}

function stopped(work: ServiceWork, seen: ServiceSeen, memory: InstallMemory): Progress {
  const what = seen.green === null ? 'No task set was made.' : `The new task set ${seen.green.id} is left as it is.`;
  const next = isRollbackWanted(work.deployment, null, 'Stopped') ? ' A rollback deletes it.' : '';
  const message = `The deployment was stopped in Install. ${what}${seen.green === null ? '' : next}`;
  return { ...standingOf(work, seen, memory, what), ending: 'Failed', message };
}

function tooLate(work: ServiceWork, seen: ServiceSeen, memory: InstallMemory): Progress {
  const { last_call, last_answer } = work.order;
  const message =
    `TIMEOUT: The new task set could not be made within ${LIMIT_MS / 60_000} minutes. The last call was: ${last_call}. ` +
    `The answer: ${last_answer}.`;
  return { ...standingOf(work, seen, memory, 'there is no new task set'), ending: 'Failed', message };
}

/**
 * Production forwards to blue alone, with green at weight 0: a target group that no listener forwards to gets no health checks. So a listener that
 * an earlier deployment has left divided is put right here.
 */
async function prepareListeners(work: ServiceWork, seen: ServiceSeen, memory: InstallMemory): Promise<Progress | null> {
  const { ctx, call, details, pair } = work;
  if (seen.blue === null) return null;
  const production = await lookAtProduction(work);
  const fault = faultOfRoute(production, pair);
  if (fault !== null) throw new ShiftFault('ELASTIC_LOAD_BALANCING_INVALID', fault);
  const changes: Place[] = [...changesFor(production, pair, 0)];
  // Without weights only the test listener can bring health checks.
  const tests = production.hasWeights ? null : await lookAtTests(work);
  if (tests !== null) changes.push(...changesFor(tests, pair, 100));
  if (changes.length === 0) return null;
  const words = `write ${changes.map(({ arn }) => arn).join(', ')}: all to ${groupNames(details, 'blueGroup')}`;
  await call.remember(memory, words);
  for (const place of changes) await ctx.listeners.write(place, call.signal);
  const standing: Standing = { memory, lastCall: words, lastAnswer: 'done', details: detailsAfter(work, seen, null) };
  return { ...standing, ending: 'later', inMs: 0 };
}

/** Task sets that finished deployments have left in the green group are deleted. */
async function clearGroup(work: ServiceWork, seen: ServiceSeen, memory: InstallMemory): Promise<Progress | null> {
  const { ctx, call, details } = work;
  if (seen.leftovers.length === 0) return null;
  await requireFreeGroup(ctx, seen.leftovers);
  const [next] = seen.leftovers.filter(({ status }) => status !== 'DRAINING');
  const names = seen.leftovers.map(({ id }) => id).join(', ');
  if (next === undefined) {
    const standing = standingOf(work, seen, memory, `${names} of earlier deployments still drains`);
    return { ...standing, ending: 'later', inMs: lookPauseMs(ageOf(work)) };
  }
  await call.remember(memory, `DeleteTaskSet ${details.service} (${next.id}), which an earlier deployment has left`);
  await ctx.ecs.deleteTaskSet(details, next, call.signal);
  return { ...standingOf(work, seen, memory, `deleting ${names}`), ending: 'later', inMs: 0 };
}

async function makeTaskSet(work: ServiceWork, { look, blue }: ServiceSeen, memory: InstallMemory): Promise<Progress> {
  const { ctx, call, details, spec, pair } = work;
  const request = taskSetRequest({
    ref: details,
    deploymentId: details.greenOf,
    wanted: spec,
    pairs: eachPair(pair),
    blue: look.service.taskSets?.find(({ id }) => id === blue?.id) ?? null,
    service: look.service,
  });
  const words = `CreateTaskSet ${details.service} (${spec.taskDefinition} in ${groupNames(details, 'greenGroup')})`;
  await call.remember(memory, words);
  await ctx.ecs.createTaskSet(request, call.signal);
  return { memory, lastCall: words, lastAnswer: 'made', ending: 'later', inMs: 0 };
}

async function untilSteady(work: ServiceWork, seen: ServiceSeen, green: TaskSetSeen): Promise<Progress> {
  const memory: InstallMemory = { madeId: green.id };
  const nowMs = work.ctx.clock.now();
  const said = `${green.id}: ${describeTaskSet(green, nowMs)}`;
  if (green.status === 'DRAINING') {
    throw new ShiftFault('ECS_UPDATE_ERROR', `Somebody else deletes the new task set ${green.id}.`);
  }
  if (isSteady(green)) {
    return {
      ...standingOf(work, seen, memory, said),
      ending: 'Succeeded',
      message: `The new task set is steady. ${said}.`,
    };
  }
  const starts = await startsOf(work, green);
  const event = seen.look.lastEvent;
  const isNew = event !== null && event.atMs >= work.order.given_at_ms;
  const standing = standingOf(
    work,
    seen,
    memory,
    `${said}${starts.words}${isNew ? `. ECS says: ${event.message}` : ''}`,
  );
  if (starts.failed.length >= failedStartLimit(green.desired)) {
    const last = starts.failed.at(-1);
    const message =
      `ECS_UPDATE_ERROR: ${starts.failed.length} tasks of the new task set ${green.id} have failed, so it is given up. ` +
      `The last one: ${last?.reason || last?.stopCode}. The original tasks have all production traffic.`;
    return { ...standing, ending: 'Failed', message };
  }
  if (ageOf(work) < LIMIT_MS) return { ...standing, ending: 'later', inMs: lookPauseMs(ageOf(work)) };
  const message = `TIMEOUT: The new task set was not steady within ${LIMIT_MS / 60_000} minutes. ${standing.lastAnswer}.`;
  return { ...standing, ending: 'Failed', message };
}

/** A look that is refused takes nothing away from the deployment: the time limit stays. */
async function startsOf({ ctx, details, call }: ServiceWork, green: TaskSetSeen) {
  try {
    const failed = failedStarts(await ctx.ecs.stoppedTasks(details, call.signal), green.id);
    const words = failed.length === 0 ? '' : `; ${failed.length} have failed, the last one: ${failed.at(-1)?.reason}`;
    return { failed, words };
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    const none: readonly StoppedTask[] = [];
    return { failed: none, words: `; failed tasks are not known (${error.call}: ${error.answer})` };
  }
}

function standingOf(work: ServiceWork, seen: ServiceSeen, memory: InstallMemory, answer: string): Standing {
  const lastCall = `DescribeServices ${work.details.service}`;
  return { memory, lastCall, lastAnswer: answer, details: detailsAfter(work, seen, null) };
}
