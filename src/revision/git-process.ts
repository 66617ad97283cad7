/** Git as a process group of its own. The group ends with git, with this process, at its bounds, and when it is told to. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { messageOf, SlipwayError } from '../errors.ts';
import { signalProcess } from '../system/processes.ts';

export interface GitBounds {
  /** Largest file that git may write; bytes. */
  readonly maxFileBytes: number;
  /** Most memory of each process, files that are mapped not counted; bytes. */
  readonly maxMemoryBytes: number;
  /** Most that git may print; bytes. */
  readonly maxOutputBytes: number;
}

export interface GitListeners {
  /** Is told the text that git writes to its standard error. */
  onSaid(text: string): void;
  /** Is told the text that ssh writes to its standard error, the server's words included. */
  onSshSaid(text: string): void;
}

export interface GitEnding {
  readonly stdout: Buffer;
  /** null: a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface GitProcess {
  /** @throws Error when there is no shell to start git with */
  readonly ended: Promise<GitEnding>;
  /** Ends git and all that it has started, at once. */
  kill(): void;
}

/** Unit of `ulimit -f` in a POSIX shell; bytes. */
const BLOCK_BYTES = 512;
/** How long pipes may stay open after git's end, held by what has left its process group. */
const HELD_PIPES_MS = 2_000;
/** Descriptor that is open as long as this process lives. */
const LIFELINE = 4;

/** The kernel holds the bounds, so that nothing outruns a timer. A limit of the system that is lower stays. */
const START = [
  'ulimit -c 0',
  '[ "$1" = 0 ] || ulimit -f "$1" 2>/dev/null',
  'ulimit -d "$2" 2>/dev/null',
  'shift 2',
  // Git is gone with whoever waits for it, also after a SIGKILL.
  `{ read -r _; kill -KILL 0; } <&${LIFELINE} >/dev/null 2>&1 3>&- ${LIFELINE}<&- &`,
  `exec git "$@" ${LIFELINE}<&-`,
].join('\n');

/** @param env all that git gets to know */
export function startGit(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  folder: string,
  bounds: GitBounds,
  listeners: GitListeners,
): GitProcess {
  const { maxFileBytes, maxMemoryBytes } = bounds;
  // One block more: what is cut off there is seen to be too large.
  const blocks = Number.isFinite(maxFileBytes) ? Math.floor(maxFileBytes / BLOCK_BYTES) + 1 : 0;
  const limits = [blocks, Math.ceil(maxMemoryBytes / 1024)].map(String);
  const child = spawn('/bin/sh', ['-c', START, 'sh', ...limits, ...args], {
    cwd: folder,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const kill = () => {
    if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
  };
  const chunks: Buffer[] = [];
  let printed = 0;
  const [, stdout, stderr, sshStderr, lifeline] = child.stdio as readonly (Readable | null)[];
  stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.length;
    if (printed > bounds.maxOutputBytes) kill();
    else chunks.push(chunk);
  });
  stderr?.setEncoding('utf8').on('data', listeners.onSaid);
  sshStderr?.setEncoding('utf8').on('data', listeners.onSshSaid);
  // A pipe whose other end is gone may say so.
  for (const pipe of [stdout, stderr, sshStderr, lifeline]) pipe?.on('error', () => undefined);
  const { promise: ended, resolve, reject } = Promise.withResolvers<GitEnding>();
  let timer: NodeJS.Timeout | undefined;
  child.once('error', (cause) => {
    const message = `git cannot be started: ${messageOf(cause)}`;
    const remedy = 'See that /bin/sh is there, and that this user may start more processes.';
    reject(new SlipwayError('REVISION_TOOL_MISSING', message, { cause, remedy }));
  });
  child.once('exit', () => {
    kill();
    timer = setTimeout(() => {
      for (const pipe of [stdout, stderr, sshStderr]) pipe?.destroy();
    }, HELD_PIPES_MS);
    lifeline?.destroy();
  });
  child.once('close', (exitCode, signal) => {
    clearTimeout(timer);
    resolve({ stdout: Buffer.concat(chunks), exitCode, signal });
  });
  return { ended, kill };
}
