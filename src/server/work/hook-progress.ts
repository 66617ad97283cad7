/**
 * Course of an order to call a hook, from what is known of the call. Pure.
 *
 * A call is noted before it is made. A server that finds such a note, and no result, cannot know whether the hook was called:
 *
 * - a function or a webhook is called again. It gets the same execution id, the first answer counts, and a hook that has answered while the
 *   server was down will not answer again by itself;
 * - a program fails the event, unless the file says that it may run again: nobody knows what it has done.
 *
 * A call that is over without an answer is not made again: the answer comes by PutLifecycleEventHookExecutionStatus.
 */
import { failureAfter, pauseAfter, type ScalingFailure } from '../engine/hosts/scaling-failure.ts';
import { HOOK_LIMIT_MS } from '../engine/limits.ts';
import type { HookCalled, KnownHook } from '../outside/hook-caller.ts';
import type { Progress } from './order.ts';

export interface HookMemory {
  /** When the call was noted that was made, or may have been; null: none was. */
  readonly calledAtMs: number | null;
  /** The call was noted, and nothing is known of it yet. */
  readonly isCalling: boolean;
  readonly failing: ScalingFailure | null;
}

/** An order as it stands, and the hook that it is about. */
export interface HookStanding {
  /** As the AppSpec file has it. */
  readonly name: string;
  readonly event: string;
  readonly memory: HookMemory;
  readonly isStopped: boolean;
  readonly givenAtMs: number;
  readonly lastCall: string | null;
  readonly lastAnswer: string | null;
}

/** `call`: the hook is to be called now. */
export type BeforeCall =
  | { readonly is: 'call'; readonly hook: KnownHook }
  | { readonly is: 'over'; readonly progress: Progress };

const NOT_CALLED: HookMemory = { calledAtMs: null, isCalling: false, failing: null };
const FAILING_LIMIT_MS = 5 * 60_000;
const LONGEST_PAUSE_MS = 15_000;

export function memoryOf(json: string | null): HookMemory {
  return { ...NOT_CALLED, ...(JSON.parse(json ?? '{}') as Partial<HookMemory>) };
}

/** @param hook null: the server's file has none of this name */
export function beforeCall(standing: HookStanding, hook: KnownHook | null, nowMs: number): BeforeCall {
  const { name, memory, isStopped, lastCall, lastAnswer } = standing;
  if (memory.calledAtMs !== null && !memory.isCalling) {
    const limitMs = hook?.limitMs ?? HOOK_LIMIT_MS;
    const call = { calledAtMs: memory.calledAtMs, limitMs, lastCall, lastAnswer, nowMs };
    return { is: 'over', progress: awaited(standing, call) };
  }
  const failed = (why: string): BeforeCall => {
    const answer = memory.isCalling ? 'not known' : lastAnswer;
    return { is: 'over', progress: failedWith(standing, lastCall, answer, why) };
  };
  if (hook === null) {
    const short = name.replace(/^hook:/, '');
    return failed(
      `is not known: the file behind --hooks of this server has no ${short}. Add it, and start the server.`,
    );
  }
  if (memory.isCalling && !hook.mayRunAgain) {
    return failed(
      'was under way when its server ended, so nobody knows what it has done. ' +
        'It is not run again, because the file behind --hooks does not say mayRunAgain.',
    );
  }
  if (!isStopped) return { is: 'call', hook };
  const when = memory.isCalling
    ? 'may have been called when its server ended, and is not called again'
    : 'was not called';
  return failed(`${when}: the deployment was stopped.`);
}

/** @param madeAtMs when the call was noted */
export function afterCall(
  standing: HookStanding,
  hook: Pick<KnownHook, 'call' | 'limitMs'>,
  { is, answer, status = null }: HookCalled,
  { madeAtMs, nowMs }: { readonly madeAtMs: number; readonly nowMs: number },
): Progress {
  const lastCall = hook.call;
  const failed = (why: string) => failedWith(standing, lastCall, answer, why);
  const awaitedAs = (lastAnswer: string) =>
    awaited(standing, { calledAtMs: madeAtMs, limitMs: hook.limitMs, lastCall, lastAnswer, nowMs });
  switch (is) {
    case 'refused':
      return failed(`could not be called: ${answer}`);
    case 'failed':
      return failed(`failed: ${answer}`);
    case 'again': {
      const failing = failureAfter(standing.memory.failing, { call: lastCall, answer }, nowMs);
      if (nowMs - failing.sinceMs >= FAILING_LIMIT_MS) return failed(`could not be called for five minutes: ${answer}`);
      const inMs = Math.min(LONGEST_PAUSE_MS, pauseAfter(failing));
      return { lastCall, lastAnswer: answer, memory: { ...NOT_CALLED, failing }, ending: 'later', inMs };
    }
    case 'unknown':
      return awaitedAs(`${answer}; it is not known whether it was called, so its answer is waited for`);
    default:
      if (status === null) return awaitedAs(`${answer}; its PutLifecycleEventHookExecutionStatus is waited for`);
      if (status === 'Failed') return failed(`answered Failed: ${answer}`);
      return {
        ...{ memory: null, lastCall, lastAnswer: answer, ending: 'Succeeded' },
        message: `The hook ${standing.name} answered Succeeded: ${answer}`,
      };
  }
}

/** Until the hook's own limit; the engine gives the event up after the longest that any may have. */
function awaited(
  standing: HookStanding,
  call: {
    readonly calledAtMs: number;
    readonly limitMs: number;
    readonly lastCall: string | null;
    readonly lastAnswer: string | null;
    readonly nowMs: number;
  },
): Progress {
  const { calledAtMs, limitMs, lastCall, lastAnswer, nowMs } = call;
  const leftMs = calledAtMs + limitMs - nowMs;
  if (leftMs <= 0) {
    const why = `did not answer within ${limitMs / 1000} seconds by PutLifecycleEventHookExecutionStatus with the ids that it was given.`;
    return failedWith(standing, lastCall, lastAnswer, why);
  }
  const untilGivenUpMs = Math.max(1_000, standing.givenAtMs + HOOK_LIMIT_MS - nowMs);
  const memory: HookMemory = { calledAtMs, isCalling: false, failing: null };
  return { lastCall, lastAnswer, memory, ending: 'later', inMs: Math.min(leftMs, untilGivenUpMs) };
}

function failedWith(
  { name, event }: HookStanding,
  lastCall: string | null,
  lastAnswer: string | null,
  why: string,
): Progress {
  const message = `HOOK_EXECUTION_FAILURE: The hook ${name} of ${event} ${why}`;
  return { memory: null, lastCall, lastAnswer, ending: 'Failed', message };
}
