/**
 * UpdateDeploymentAgent: runs the command that the operator has configured, and nothing else. The official agent 2.x downloads a script and
 * runs it as root, which one wrong answer of the service is enough for.
 *
 * An update replaces the agent and starts it anew, and whatever ends the agent must not end its update half-way. So the update runs in a
 * scope of systemd's own, wherever hooks have one. Its marker is not among those by which a new agent ends left-over hooks. And its output
 * goes to a file: a pipe to the agent would break with the agent.
 */
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import { SlipwayError } from '../../errors.ts';
import { MARKER_VARIABLE } from '../../hooks/environment.ts';
import { endHook } from '../../hooks/hook-processes.ts';
import { inheritedEnvironment } from '../../hooks/inherited-environment.ts';
import { createLineSplitter, createLogTail } from '../../hooks/output.ts';
import { type HookScope, inScope, SCOPE_READY_FD, updateScope } from '../../hooks/scope.ts';
import type { CommandOutcome } from '../../protocol/diagnostics.ts';
import type { CommandRequest, DeploymentContext } from '../context.ts';
import { folderModes } from '../folder-modes.ts';
import { updateLogFile } from '../layout.ts';
import { failed, succeeded } from '../outcomes.ts';

const TIMEOUT_MS = 10 * 60_000;
/** Bytes read from the end of the update's output, for the last lines of the diagnostics. */
const TAIL_BYTES = 64 * 1024;
/** A bus that hangs must not hold up the agent. */
const SCOPE_WAIT_MS = 10_000;

type UpdateContext = Pick<
  DeploymentContext,
  | 'updateCommand'
  | 'rootDir'
  | 'programName'
  | 'restrictFolders'
  | 'baseEnvironment'
  | 'environmentRules'
  | 'hookScopes'
  | 'clock'
  | 'log'
>;

/**
 * @param signal aborting it leaves the update to itself: the agent ends, and the update may be why
 * @throws SlipwayError DEPLOYMENT_UPDATE_REFUSED when no command is configured; the signal's reason
 */
export async function updateAgent(
  ctx: UpdateContext,
  { hostCommandIdentifier, specification }: CommandRequest,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const { updateCommand } = ctx;
  if (updateCommand === null) {
    throw new SlipwayError(
      'DEPLOYMENT_UPDATE_REFUSED',
      'the service wants the agent to update itself, which it does not',
    );
  }
  const output = updateLogFile(ctx.rootDir, ctx.programName);
  ctx.log.info('running the update command', { updateCommand, output, deploymentId: specification.deploymentId });
  const update = { hostCommandIdentifier, updateCommand, output, timeoutMs: TIMEOUT_MS };
  return runUpdate(ctx, update, signal);
}

export interface Update {
  readonly hostCommandIdentifier: string;
  /** Shell text. */
  readonly updateCommand: string;
  /** Begun anew; it holds the last update's words for people who wonder what became of it. */
  readonly output: string;
  readonly timeoutMs: number;
}

/** Runs it to its exit, or ends it with all that it has started when its time is over. */
export async function runUpdate(
  ctx: Omit<UpdateContext, 'updateCommand'>,
  update: Update,
  signal?: AbortSignal,
): Promise<CommandOutcome> {
  const scope = ctx.hookScopes.isEnabled() ? updateScope(update.hostCommandIdentifier) : null;
  let ending = await runInScope(ctx, update, scope, signal);
  if (ending === 'no-scope') {
    const why = lastWords(update.output).replaceAll('\n', ' ').trim() || 'systemd-run does not say why';
    if (!ctx.hookScopes.refused(why)) {
      return failed(4, `update_command cannot be started: systemd gives no scope: ${why}`);
    }
    ending = await runInScope(ctx, update, null, signal);
  }
  const log = lastWords(update.output);
  if (ending === 'succeeded') return succeeded(null, log);
  return failed(4, `update_command failed: ${ending}`, '', log);
}

/** @returns `succeeded`, `no-scope` (nothing has run), or why it failed */
async function runInScope(
  { clock, ...ctx }: Omit<UpdateContext, 'updateCommand'>,
  { hostCommandIdentifier, updateCommand, output, timeoutMs }: Update,
  scope: HookScope | null,
  signal: AbortSignal | undefined,
): Promise<string> {
  const shell = { file: '/bin/sh', args: ['-c', updateCommand] };
  const command = scope === null ? shell : inScope(scope, shell);
  const marker = `update of ${hostCommandIdentifier}`;
  const file = openOutput(output, ctx.restrictFolders);
  const child = execa(command.file, [...command.args], {
    env: { ...inheritedEnvironment(ctx.baseEnvironment, ctx.environmentRules), [MARKER_VARIABLE]: marker },
    extendEnv: false,
    // execa takes any descriptor; its types know those up to 9.
    stdio: scope === null ? ['ignore', file as 9, file as 9] : ['ignore', file as 9, file as 9, 'pipe'],
    reject: false,
    buffer: false,
    detached: true,
    cleanup: false,
  });
  closeSync(file);
  const { pid } = child;
  const over = new AbortController();
  const exited = child.then((run) => (run.failed ? (run.shortMessage ?? 'it cannot be started') : 'succeeded'));
  const end = async () => {
    if (pid !== undefined) await endHook(clock, { marker, groupId: pid, scope: scope?.unit ?? marker }, 0);
  };
  try {
    if (scope !== null) {
      const isThere = announced(child.stdio[SCOPE_READY_FD] as Readable);
      if (!(await Promise.race([isThere, clock.sleep(SCOPE_WAIT_MS, over.signal).then(() => false)]))) {
        await end();
        return 'no-scope';
      }
    }
    const ending = await Promise.race([
      exited,
      clock.sleep(timeoutMs, over.signal).then(() => null),
      whenAborted(signal, over.signal),
    ]);
    if (ending !== null) return ending;
    await end();
    return `it took longer than ${timeoutMs / 1000} s and was ended`;
  } finally {
    over.abort();
  }
}

function openOutput(path: string, isRestricted: boolean): number {
  const modes = folderModes(isRestricted);
  mkdirSync(dirname(path), { recursive: true, mode: modes.logs });
  return openSync(path, 'w', modes.logFile);
}

function announced(announcement: Readable): Promise<boolean> {
  return new Promise((resolve) => {
    announcement.once('data', () => resolve(true));
    for (const event of ['end', 'close', 'error']) announcement.once(event, () => resolve(false));
  });
}

/** Never resolves. */
function whenAborted(signal: AbortSignal | undefined, over: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason);
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over });
  });
}

/** The last lines of the output, as the diagnostics carry them. */
function lastWords(output: string): string {
  const file = openSync(output, 'r');
  try {
    const { size } = fstatSync(file);
    const begin = Math.max(0, size - TAIL_BYTES);
    const bytes = Buffer.alloc(size - begin);
    const read = readSync(file, bytes, 0, bytes.length, begin);
    const tail = createLogTail();
    const lines = createLineSplitter((line) => tail.add(line));
    lines.write(bytes.subarray(0, read));
    lines.end();
    return tail.text();
  } finally {
    closeSync(file);
  }
}
