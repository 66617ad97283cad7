/** Orders of the event AllowTraffic of a deployment to Lambda: the weights of an alias move from the old version to the new one. */
import type { Clock } from '../../system/clock.ts';
import { shiftPlanOf } from '../engine/settings.ts';
import type { LambdaDetails, ShiftPlan, StoredLambdaSpec } from '../engine/shifting/plan.ts';
import { hasMoved } from '../engine/shifting/steps.ts';
import { isRollbackWanted } from '../engine/wanted-rollback.ts';
import { type AliasLook, inWords } from '../outside/aws/alias-look.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import { type Functions, PRECONDITION_FAILED } from '../outside/aws/lambda.ts';
import type { DeploymentRow } from '../store/schema.ts';
import { type AliasMemory, afterCall, backward, forward, NO_ALIAS_MEMORY, percentOf, wishFor } from './alias-plan.ts';
import { foreignWords, leftWords } from './alias-words.ts';
import { functionFaultCode } from './function-faults.ts';
import type { OrderCall, OrderHandler, Progress, Standing } from './order.ts';
import { type ProvisionedAnswer, readProvisioned } from './provisioned.ts';
import { afterFault } from './shift-retry.ts';

export interface FunctionContext {
  /** null: it is gone. */
  readonly findDeployment: (deploymentId: string) => Promise<DeploymentRow | null>;
  readonly clock: Pick<Clock, 'now'>;
  readonly functions: Functions;
}

/** How long traffic is led back in vain before the event is given up. */
const BACK_LIMIT_MS = 60 * 60_000;
/** An update was refused because the alias has changed since it was read. */
const READ_AGAIN_MS = 200;
const STOPPED_AGAIN_MS = 1_000;

/** An order with all that it is about. */
interface Work {
  readonly ctx: FunctionContext;
  readonly call: OrderCall;
  readonly deployment: DeploymentRow;
  readonly plan: ShiftPlan;
  readonly spec: StoredLambdaSpec;
  readonly memory: AliasMemory;
  /** Memory of the order by now: a call that is about to be made is noted there. */
  readonly noted: () => AliasMemory;
}

export function functionHandlers(ctx: FunctionContext): Readonly<Record<'LambdaAllowTraffic', OrderHandler>> {
  return {
    async LambdaAllowTraffic(order, call) {
      const deployment = await ctx.findDeployment(order.deployment_id);
      const plan = deployment === null ? null : shiftPlanOf(deployment);
      const spec = plan?.prepared?.appSpec;
      if (deployment === null || plan === null || spec?.platform !== 'Lambda') {
        const message = 'INTERNAL_ERROR: The deployment has no function.';
        return { memory: null, lastCall: null, lastAnswer: null, ending: 'Failed', message };
      }
      const memory = { ...NO_ALIAS_MEMORY, ...(JSON.parse(order.memory_json ?? '{}') as Partial<AliasMemory>) };
      let noted = memory;
      const noting: OrderCall = {
        signal: call.signal,
        async remember(next, words) {
          await call.remember(next, words);
          noted = next as AliasMemory;
        },
      };
      const work: Work = { ctx, call: noting, deployment, plan, spec, memory, noted: () => noted };
      try {
        return await shift(work);
      } catch (error) {
        if (!(error instanceof AwsFault)) throw error;
        return onFault(work, error);
      }
    },
  };
}

async function shift(work: Work): Promise<Progress> {
  const { ctx, deployment, plan, spec, memory } = work;
  const look = await ctx.functions.alias(nameOf(spec), work.call.signal);
  const percent = percentOf(look, spec);
  if (deployment.stop_requested_at_ms !== null && plan.isRollback !== true) return stopped(work, look, percent);
  if (memory.backBecause !== null) return back(work, look, percent, memory.backBecause);
  // A rollback begins wherever the traffic is; it moves all of it at once.
  const before = plan.isRollback === true && memory.progress.step < 0 && percent !== null;
  const step = before
    ? forward({ ...memory, writing: null }, 0, plan.schedule, ctx.clock.now())
    : forward(memory, percent, plan.schedule, ctx.clock.now());
  const standing = standingOf(spec, look, percent);
  switch (step.is) {
    case 'foreign':
      return { ...standing, memory, ending: 'Failed', message: foreignWords(spec, look) };
    case 'wait':
      return { ...standing, memory: step.memory, ending: 'later', inMs: step.untilMs - ctx.clock.now() };
    case 'done':
      return { ...standing, memory: step.memory, ending: 'Succeeded', message: doneWords(spec) };
    case 'put':
      return put(work, look, step.percent, step.memory);
  }
}

/** One update. It is written down before, so that a server that is killed meanwhile looks for what came of it. */
async function put(work: Work, look: AliasLook, percent: number, memory: AliasMemory): Promise<Progress> {
  const { ctx, plan, spec, call } = work;
  if (percent === 100 && plan.isRollback !== true) {
    const provisioned = await readProvisioned(ctx.functions, spec, call.signal);
    const waiting = notProvisioned(work, provisioned, memory);
    if (waiting !== null) return waiting;
  }
  const wish = wishFor(percent, spec, look.revisionId);
  const words = `UpdateAlias ${spec.functionName}:${spec.alias} ${inWords(wish.functionVersion, wish.weights)}`;
  await call.remember(memory, words);
  const after = await ctx.functions.putAlias(nameOf(spec), wish, call.signal);
  const progress = memory.writing?.progress ?? memory.progress;
  const settled: AliasMemory = { ...memory, progress, writing: null, failing: null };
  const standing: Standing = { ...standingOf(spec, after, percent), lastCall: words, memory: settled };
  if (memory.backBecause !== null)
    return { ...standing, ending: 'Failed', message: backWords(spec, memory.backBecause) };
  const step = forward(settled, percent, plan.schedule, ctx.clock.now());
  if (step.is === 'done') return { ...standing, ending: 'Succeeded', message: doneWords(spec) };
  return { ...standing, ending: 'later', inMs: step.is === 'wait' ? step.untilMs - ctx.clock.now() : 0 };
}

/** @returns null: all traffic may go to the new version now */
function notProvisioned(work: Work, provisioned: ProvisionedAnswer, put: AliasMemory): Progress | null {
  if (provisioned.is === 'ready') return null;
  const { ctx, memory } = work;
  const sinceMs = memory.provisionedSinceMs ?? ctx.clock.now();
  // The update was not made, and AWS has answered: what failed before does not count any more.
  const waiting: AliasMemory = { ...put, writing: memory.writing, failing: null, provisionedSinceMs: sinceMs };
  const standing = { lastCall: provisioned.call, lastAnswer: provisioned.answer };
  const isLate = ctx.clock.now() - sinceMs >= BACK_LIMIT_MS;
  if (provisioned.is === 'waiting' && !isLate) return { ...standing, memory: waiting, ending: 'later', inMs: 5_000 };
  const why = isLate ? 'was not ready within an hour' : 'has failed';
  const reason = `INVALID_LAMBDA_CONFIGURATION: Provisioned concurrency ${why}. ${provisioned.call}: ${provisioned.answer}.`;
  return giveUp({ ...work, memory: waiting }, reason, standing);
}

/** Traffic goes back before the event fails; where nothing has moved it fails at once. */
function giveUp({ memory }: Work, reason: string, said: Pick<Standing, 'lastCall' | 'lastAnswer'>): Progress {
  if (!hasMoved(memory)) return { ...said, memory, ending: 'Failed', message: reason };
  return { ...said, memory: { ...memory, backBecause: reason, failing: null }, ending: 'later', inMs: 0 };
}

async function back(work: Work, look: AliasLook, percent: number | null, reason: string): Promise<Progress> {
  const step = backward(work.memory, percent);
  if (step.is === 'put') return put(work, look, step.percent, step.memory);
  const message = step.is === 'foreign' ? `${reason} ${foreignWords(work.spec, look)}` : backWords(work.spec, reason);
  return { ...standingOf(work.spec, look, percent), memory: work.memory, ending: 'Failed', message };
}

/** The event ends where the traffic is. A rollback that follows leads it back. */
async function stopped(work: Work, look: AliasLook, percent: number | null): Promise<Progress> {
  const { ctx, spec, memory, deployment, call } = work;
  // An update whose answer was lost may still be on its way: it is void once the alias has another revision.
  if (memory.writing !== null) {
    const { functionVersion, weights, revisionId } = look;
    await ctx.functions.putAlias(nameOf(spec), { functionVersion, weights, revisionId }, call.signal);
  }
  const isFollowed = isRollbackWanted(deployment, null, 'Stopped');
  const message = isFollowed ? 'A rollback leads the traffic back.' : leftWords(spec, look, percent);
  return { ...standingOf(spec, look, percent), memory, ending: 'Failed', message };
}

function onFault(work: Work, fault: AwsFault): Progress {
  const { ctx, deployment, plan } = work;
  const memory = afterCall(work.memory, work.noted(), fault.trouble);
  const said = { lastCall: fault.call, lastAnswer: fault.answer };
  const nowMs = ctx.clock.now();
  if (deployment.stop_requested_at_ms !== null && plan.isRollback !== true) {
    return { ...said, memory, ending: 'later', inMs: STOPPED_AGAIN_MS };
  }
  const isRace = fault.awsCode === PRECONDITION_FAILED || fault.awsCode === 'ResourceConflictException';
  const { call, answer, awsCode } = fault;
  const asked = isRace ? new AwsFault(call, { trouble: 'away', code: awsCode, answer }) : fault;
  const isBack = memory.backBecause !== null || plan.isRollback === true;
  const code = isRace ? 'INVALID_LAMBDA_CONFIGURATION' : functionFaultCode(fault);
  const next = afterFault(memory.failing, asked, { code, nowMs, ...(isBack ? { limitMs: BACK_LIMIT_MS } : {}) });
  const failing: AliasMemory = { ...memory, failing: next.failing };
  if (next.is === 'again')
    return { ...said, memory: failing, ending: 'later', inMs: isRace ? READ_AGAIN_MS : next.inMs };
  if (!isBack) return giveUp({ ...work, memory: failing }, next.message, said);
  const message = `${memory.backBecause ?? ''} ${next.message} The traffic could not be led back: put the alias right by hand.`;
  return { ...said, memory: failing, ending: 'Failed', message: message.trim() };
}

function standingOf(spec: StoredLambdaSpec, look: AliasLook, percent: number | null): Omit<Standing, 'memory'> {
  const { functionName, alias, currentVersion, targetVersion } = spec;
  const details: LambdaDetails = {
    ...{ functionName, functionAlias: alias, currentVersion, targetVersion },
    targetVersionWeight: percent ?? look.weights[targetVersion] ?? 0,
  };
  return {
    lastCall: `GetAlias ${functionName}:${alias}`,
    lastAnswer: inWords(look.functionVersion, look.weights),
    details,
  };
}

function nameOf({ functionName, alias }: StoredLambdaSpec) {
  return { functionName, alias };
}

function doneWords({ functionName, alias, targetVersion }: StoredLambdaSpec): string {
  return `All traffic of ${functionName}:${alias} goes to version ${targetVersion}.`;
}

function backWords({ functionName, alias, currentVersion }: StoredLambdaSpec, reason: string): string {
  return `${reason} All traffic of ${functionName}:${alias} is back at version ${currentVersion}.`;
}
