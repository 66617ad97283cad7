/** Git as a program: one command at a time, watched, and its words as an error. */
import { SlipwayError } from '../errors.ts';
import type { GitRevision } from '../protocol/specification.ts';
import { installationOf } from '../system/program-table.ts';
import { gitEnvironment, isWeb } from './git-environment.ts';
import { GitFailed } from './git-faults.ts';
import { type GitBounds, type GitEnding, startGit } from './git-process.ts';
import { createWorkListener, ownWords, withoutProgress } from './git-progress.ts';
import { type Filling, watchGit } from './git-watch.ts';
import type { Pace } from './pace.ts';
import { tooLarge } from './too-large.ts';
import type { RevisionContext } from './types.ts';

/** More than enough to say what went wrong; each of git and ssh. */
const MAX_MESSAGE = 1_000;
/** Bytes kept of git's output; errors come last. */
const KEPT_OUTPUT = 64 * 1024;
/** Commits are the longest that is printed, and none of people comes near. */
const MAX_PRINTED = 1024 * 1024;

/**
 * @returns what git printed, to the last newline
 * @throws GitFailed; TooSlow; SlipwayError REVISION_TOOL_MISSING, REVISION_TOO_LARGE; what a listener has thrown
 */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<string>;

export interface GitOptions {
  /** latin1 keeps every byte apart. */
  readonly encoding?: 'utf8' | 'latin1';
  /** File or folder that the command fills with its result. */
  readonly filling?: Filling;
  /** Pace of the source, for a command that talks with it. */
  readonly pace?: Pace;
}

/** @param repository a bare one, which git works in and nowhere else */
export function createGit(
  ctx: RevisionContext,
  revision: GitRevision,
  repository: string,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal | undefined },
): Git {
  const env = gitEnvironment(ctx, revision, repository);
  const bounds: GitBounds = {
    maxFileBytes: maxBytes,
    maxMemoryBytes: ctx.gitMaxMemoryBytes,
    maxOutputBytes: MAX_PRINTED,
  };
  return async (args, { encoding = 'utf8', filling = null, pace = null } = {}) => {
    signal?.throwIfAborted();
    let [said, sshSaid] = ['', ''];
    const isWork = createWorkListener();
    let gaveUp: { readonly why: unknown } | null = null;
    const git = startGit(args, env, repository, bounds, {
      onSaid(text) {
        said = (said + text).slice(-KEPT_OUTPUT);
        watch.heard();
        if (isWork(text)) watch.working();
      },
      onSshSaid(text) {
        sshSaid = (sshSaid + text).slice(-KEPT_OUTPUT);
        watch.heard();
      },
    });
    const giveUp = (why: unknown) => {
      gaveUp ??= { why };
      git.kill();
    };
    // Over HTTP git itself gives up silence: its lowSpeedTime also knows about a listing of references, which is not on disk.
    const silenceMs = pace === null || isWeb(revision) ? null : ctx.tuning.noProgressMs;
    const watch = watchGit({ filling, pace, silenceMs }, giveUp);
    signal?.addEventListener('abort', git.kill, { once: true });
    try {
      const ending = await git.ended;
      signal?.throwIfAborted();
      if (gaveUp === null) watch.look();
      const given = gaveUp as { readonly why: unknown } | null;
      if (given !== null) throw given.why;
      if (ending.exitCode === 0) return ending.stdout.toString(encoding);
      const failure = {
        ending,
        text: shorten(sshSaid, withoutProgress(said)),
        words: shorten(sshSaid, ownWords(said)),
      };
      throw boundFault(revision, failure, bounds) ?? gitFailed(args, failure);
    } finally {
      watch.stop();
      signal?.removeEventListener('abort', git.kill);
    }
  };
}

interface Failure {
  readonly ending: GitEnding;
  /** Whole text that the command and the server wrote. */
  readonly text: string;
  /** Words of git and ssh themselves, without the server's. */
  readonly words: string;
}

function shorten(...texts: readonly string[]): string {
  return texts
    .map((text) => text.trim().slice(-MAX_MESSAGE))
    .filter((text) => text !== '')
    .join('\n');
}

function gitFailed(args: readonly string[], { ending, text, words }: Failure): GitFailed {
  return new GitFailed(`git ${args[0]} ended with ${ending.exitCode ?? ending.signal}: ${text}`, words);
}

/** Returns the fault when git reached one of its bounds or is not installed; null: neither. */
function boundFault(
  { url }: GitRevision,
  { ending: { exitCode, signal }, words }: Failure,
  { maxFileBytes, maxMemoryBytes }: GitBounds,
): SlipwayError | null {
  // The shell's statuses for a program that cannot be started.
  if (exitCode === 126 || exitCode === 127) {
    return new SlipwayError('REVISION_TOOL_MISSING', 'git is not installed on this host, or cannot be started', {
      remedy: `${installationOf('git')}, and see that it is in PATH of the agent.`,
    });
  }
  if (signal === 'SIGXFSZ' || /File too large|died of signal 25\b/.test(words)) return tooLarge(url, maxFileBytes);
  if (!/out of memory|cannot allocate memory|memory exhausted/i.test(words)) return null;
  return new SlipwayError(
    'REVISION_TOO_LARGE',
    `git needs more than ${maxMemoryBytes} bytes of memory for ${url}: ${words}`,
    { remedy: 'Look at what the server sends; for a repository that is really so large, raise git_max_memory.' },
  );
}
