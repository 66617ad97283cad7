import { basename, dirname, join } from 'node:path';
import type { Hook } from '../appspec/types.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import type { ProcessFacts } from '../system/processes.ts';
import { lookupUser, ownUserName } from '../system/users.ts';
import { commandLineFor } from './command-line.ts';
import { MARKER_VARIABLE } from './environment.ts';
import type { PipeSupply } from './pipe-supply.ts';
import { type HeldOutput, type RunScriptRequest, runScript } from './run-script.ts';
import type { HookScopes } from './scope.ts';
import { examineScript } from './script-file.ts';
import type { ScriptLog } from './script-log.ts';

export type HookOutputPolicy = 'detach' | 'fail';

export interface HooksContext {
  readonly clock: Clock;
  readonly log: Logger;
  /** Between SIGTERM and SIGKILL of a script that has timed out. */
  readonly graceMs: number;
  /** How long the output of a script may stay open after its exit. */
  readonly outputGraceMs: number;
  /** Policy after that time: the event goes on without the output, or fails. */
  readonly outputPolicy: HookOutputPolicy;
  readonly scopes: HookScopes;
  /** Where the pipes of scripts come from; else they are made for each script. */
  readonly pipes?: Pick<PipeSupply, 'take'>;
}

export interface EventRequest {
  readonly event: string;
  readonly hooks: readonly Hook[];
  readonly archiveDir: string;
  /** Where the output of what goes on running after its script is kept, once nobody waits for it. */
  readonly logsDir: string;
  /** With the marker of this command, by which everything that the scripts start can be found (`environment.ts`). */
  readonly environment: Readonly<Record<string, string>>;
  readonly scriptLog: ScriptLog;
  /**
   * Aborted by the owner of this process when nobody is left to hear how the event ends. Then the daemon is gone, or must end at once. The
   * running script is killed with all that it has started, and no other starts.
   */
  readonly killSignal?: AbortSignal;
}

/** How an event's scripts ended: all well, or the first one that did not, and in which way. */
export type EventOutcome =
  | { readonly outcome: 'succeeded' }
  | {
      readonly outcome: 'missing';
      readonly location: string;
      readonly path: string;
      /** A script of the revision with a name like it. */
      readonly near?: string;
    }
  | { readonly outcome: 'outside'; readonly location: string; readonly path: string; readonly leadsTo: string }
  | { readonly outcome: 'not-executable'; readonly location: string; readonly why: string }
  | {
      readonly outcome: 'timed-out';
      readonly location: string;
      readonly timeoutSeconds: number;
      /** Processes that could not be ended. */
      readonly survivors: readonly ProcessFacts[];
    }
  | {
      readonly outcome: 'failed';
      readonly location: string;
      readonly runas: string | null;
      readonly why: string;
    }
  | {
      readonly outcome: 'output-held';
      readonly location: string;
      readonly held: readonly HeldOutput[];
    }
  | { readonly outcome: 'killed'; readonly location: string };

/** Runs an event's scripts in order; the first that does not end well ends the event. */
export async function runLifecycleEvent(ctx: HooksContext, request: EventRequest): Promise<EventOutcome> {
  request.scriptLog.header(`LifecycleEvent - ${request.event}`);
  for (const [index, hook] of request.hooks.entries()) {
    request.scriptLog.header(`Script - ${hook.location}`);
    const outcome = await runHook(ctx, request, hook, index);
    if (outcome.outcome !== 'succeeded') return outcome;
  }
  return { outcome: 'succeeded' };
}

async function runHook(ctx: HooksContext, request: EventRequest, hook: Hook, index: number): Promise<EventOutcome> {
  const { location, runas } = hook;
  const file = examineScript(request.archiveDir, location, (script) => {
    ctx.log.info('made a hook script executable', { script });
  });
  switch (file.state) {
    case 'missing':
      return { outcome: 'missing', location, path: file.path, ...(file.near === null ? {} : { near: file.near }) };
    case 'outside':
      return { outcome: 'outside', location, path: file.path, leadsTo: file.leadsTo };
    case 'not-executable':
      return { outcome: 'not-executable', location, why: file.why };
    case 'crlf': {
      const why = `its lines end with CRLF, so the kernel looks for '${file.interpreter}\\r'`;
      return { outcome: 'failed', location, runas, why };
    }
    case 'no-interpreter':
      return { outcome: 'failed', location, runas, why: file.why };
    case 'ready':
  }
  const fields = { event: request.event, script: file.path };
  const sourceUser = ownUserName();
  // For an audit of the host: who ran what as whom.
  ctx.log.info('running a hook script', { ...fields, sourceUser, targetUser: runas ?? sourceUser, sudo: hook.sudo });
  const scriptRequest: Omit<RunScriptRequest, 'scope'> = {
    command: commandLineFor(hook, file.path, file.isShellScript),
    environment: request.environment,
    ...(ctx.pipes === undefined ? {} : { pipes: ctx.pipes }),
    timeoutMs: hook.timeoutSeconds * 1000,
    graceMs: ctx.graceMs,
    outputGraceMs: ctx.outputGraceMs,
    detachedOutput: (stream) => join(request.logsDir, `${request.event}-${basename(location)}.${stream}`),
    onLine: (stream, line) => request.scriptLog.line(stream, line),
    onOutputHeld: (stream, holders) => {
      ctx.log.warn('a hook script has exited, but its output is held open; the event waits for that', {
        ...fields,
        stream,
        waitMs: ctx.outputGraceMs,
        holders: holders.map(describeProcess),
      });
    },
    ...(request.killSignal === undefined ? {} : { killSignal: request.killSignal }),
  };
  const description = `Slipway hook ${request.event}: ${location} of ${basename(dirname(request.archiveDir))}`;
  const scope = ctx.scopes.scopeFor(request.environment[MARKER_VARIABLE] ?? '', index, description);
  let ending = await runScript(ctx.clock, { ...scriptRequest, scope });
  if (ending.ending === 'no-scope' && ctx.scopes.refused(ending.why)) {
    ending = await runScript(ctx.clock, { ...scriptRequest, scope: null });
  }
  switch (ending.ending) {
    case 'exited': {
      const { held } = ending;
      reportHeld(ctx, request, fields, held);
      if (ending.exitCode !== 0) {
        const by = ending.signal === null ? '' : ` (${ending.signal})`;
        return { outcome: 'failed', location, runas, why: `exit code ${ending.exitCode}${by}${hintAboutUser(runas)}` };
      }
      const isFailure = held.length > 0 && ctx.outputPolicy === 'fail';
      return isFailure ? { outcome: 'output-held', location, held } : { outcome: 'succeeded' };
    }
    case 'timed-out':
      return { outcome: 'timed-out', location, timeoutSeconds: hook.timeoutSeconds, survivors: ending.survivors };
    case 'cannot-start':
      return { outcome: 'failed', location, runas, why: `it cannot be started: ${ending.why}` };
    case 'no-scope':
      return { outcome: 'failed', location, runas, why: `it cannot be started: systemd gives no scope: ${ending.why}` };
    case 'killed':
      return { outcome: 'killed', location };
  }
}

/** Into the log of the scripts, where somebody will look for that output, and into the agent's. */
function reportHeld(
  ctx: HooksContext,
  request: EventRequest,
  fields: Readonly<Record<string, string>>,
  held: readonly HeldOutput[],
): void {
  for (const { stream, holders, continuesIn } of held) {
    const named = holders.slice(0, 3).map(describeProcess).join(', ');
    const more = holders.length > 3 ? ` and ${holders.length - 3} more` : '';
    const holder = holders.length === 0 ? 'a process that cannot be seen' : `${named}${more}`;
    const where = continuesIn === null ? 'is not kept: no file can be made for it' : `goes on in ${continuesIn}`;
    request.scriptLog.header(`The ${stream} of ${holder} ${where}`);
    ctx.log.warn('a hook script has left a process behind that holds its output', {
      ...fields,
      stream,
      holders: holders.map(describeProcess),
      continuesIn,
    });
  }
}

function describeProcess({ pid, commandLine }: ProcessFacts): string {
  return `${pid} (${commandLine.slice(0, 200)})`;
}

/** Explains a failed `su` by a fault of the user, because its own words say little. Empty: no such fault is known. */
function hintAboutUser(runas: string | null): string {
  if (runas === null) return '';
  const user = lookupUser(runas);
  if (user === null) return `; there is no user '${runas}' on this host`;
  if (/\/(nologin|false)$/.test(user.shell))
    return `; the login shell of '${runas}' is ${user.shell}, so su runs nothing`;
  return '';
}
