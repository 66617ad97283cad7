import { join } from 'node:path';
import type { Hook } from '../appspec/types.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import type { ProcessFacts } from '../system/processes.ts';
import { ownUserName } from '../system/users.ts';
import { commandLineFor, examineScript } from './command-line.ts';
import { runScript } from './run-script.ts';
import type { ScriptLog } from './script-log.ts';

export interface HooksContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Between SIGTERM and SIGKILL of a script that has timed out. */
  readonly graceMs: number;
}

export interface EventRequest {
  readonly event: string;
  readonly hooks: readonly Hook[];
  readonly archiveDir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly scriptLog: ScriptLog;
  readonly killSignal?: AbortSignal;
}

/** How an event's scripts ended: all well, or the first one that did not, and in which way. */
export type EventOutcome =
  | { readonly outcome: 'succeeded' }
  | { readonly outcome: 'missing'; readonly location: string; readonly path: string }
  | { readonly outcome: 'not-executable'; readonly location: string; readonly why: string }
  | { readonly outcome: 'timed-out'; readonly location: string; readonly timeoutSeconds: number }
  | {
      readonly outcome: 'failed';
      readonly location: string;
      readonly runas: string | null;
      readonly why: string;
    }
  | {
      readonly outcome: 'output-held';
      readonly location: string;
      readonly stream: 'stdout' | 'stderr';
      readonly holders: readonly ProcessFacts[];
    }
  | { readonly outcome: 'killed'; readonly location: string };

/** Runs an event's scripts in order; the first that does not end well ends the event. */
export async function runLifecycleEvent(ctx: HooksContext, request: EventRequest): Promise<EventOutcome> {
  request.scriptLog.header(`LifecycleEvent - ${request.event}`);
  for (const hook of request.hooks) {
    request.scriptLog.header(`Script - ${hook.location}`);
    const outcome = await runHook(ctx, request, hook);
    if (outcome.outcome !== 'succeeded') return outcome;
  }
  return { outcome: 'succeeded' };
}

async function runHook(ctx: HooksContext, request: EventRequest, hook: Hook): Promise<EventOutcome> {
  const { location, runas } = hook;
  const script = join(request.archiveDir, location);
  const file = examineScript(script, () => ctx.log.info('made a hook script executable', { script }));
  switch (file.state) {
    case 'missing':
      return { outcome: 'missing', location, path: script };
    case 'not-executable':
      return { outcome: 'not-executable', location, why: file.why };
    case 'crlf':
      return {
        outcome: 'failed',
        location,
        runas,
        why: `its lines end with CRLF, so the kernel looks for '${file.interpreter}\\r'`,
      };
    case 'ready':
  }
  ctx.log.info('running a hook script', {
    event: request.event,
    script,
    sourceUser: ownUserName(),
    targetUser: runas ?? ownUserName(),
    sudo: hook.sudo,
  });
  const ending = await runScript(ctx.clock, {
    command: commandLineFor(hook, script, file.isShellScript),
    environment: request.environment,
    timeoutMs: hook.timeoutSeconds * 1000,
    graceMs: ctx.graceMs,
    onLine: (stream, line) => request.scriptLog.line(stream, line),
    ...(request.killSignal === undefined ? {} : { killSignal: request.killSignal }),
  });
  switch (ending.ending) {
    case 'exited': {
      if (ending.exitCode === 0) return { outcome: 'succeeded' };
      const by = ending.signal === null ? '' : ` (${ending.signal})`;
      return { outcome: 'failed', location, runas, why: `exit code ${ending.exitCode}${by}` };
    }
    case 'timed-out':
      return { outcome: 'timed-out', location, timeoutSeconds: hook.timeoutSeconds };
    case 'output-held':
      return { outcome: 'output-held', location, stream: ending.stream, holders: ending.holders };
    case 'cannot-start':
      return { outcome: 'failed', location, runas, why: `it cannot be started: ${ending.why}` };
    case 'killed':
      return { outcome: 'killed', location };
  }
}
