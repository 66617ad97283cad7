/** Git as a program: what it is given, what it gets to know, and how it is watched. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { execa } from 'execa';
import { SlipwayError } from '../errors.ts';
import { proxyFor } from '../protocol/proxy.ts';
import type { GitRevision } from '../protocol/specification.ts';
import { signalProcess } from '../system/processes.ts';
import { credentialFor } from './credentials-file.ts';
import { receivedBytesIn, withoutProgress } from './git-progress.ts';
import type { RevisionContext } from './types.ts';

/** More than enough to say what went wrong. */
const MAX_MESSAGE = 2_000;
/** Of what git has written; what went wrong comes last. */
const KEPT_OUTPUT = 64 * 1024;

/** @returns what git printed, to the last newline. @throws GitFailed; SlipwayError REVISION_TOOL_MISSING */
export type Git = (args: readonly string[], options?: GitOptions) => Promise<string>;

export interface GitOptions {
  /** latin1 keeps every byte apart. */
  readonly encoding?: 'utf8' | 'latin1';
  /**
   * For a command that shows its progress: is told how many bytes have come. What it throws ends the command, and so does a long silence,
   * where git has no deadline of its own.
   */
  readonly onReceived?: (bytes: number) => void;
}

/** Its message is git's own, without progress. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed';
}

/** @param repository a bare one, which git works in and nowhere else */
export function createGit(
  ctx: RevisionContext,
  revision: GitRevision,
  repository: string,
  signal: AbortSignal | undefined,
): Git {
  const env = environment(ctx, revision, repository);
  return async (args, { encoding = 'utf8', onReceived } = {}) => {
    signal?.throwIfAborted();
    // Its helpers are in its process group, and so end with it.
    const child = execa('git', args, {
      cwd: repository,
      env,
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      detached: true,
      cleanup: false,
      buffer: { stderr: false },
      maxBuffer: 1024 * 1024,
      encoding,
      stripFinalNewline: false,
    });
    const kill = () => {
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGTERM');
    };
    signal?.addEventListener('abort', kill, { once: true });
    let said = '';
    let gaveUp: unknown = null;
    const giveUp = (why: unknown) => {
      gaveUp ??= why;
      kill();
    };
    const { noProgressMs } = ctx.tuning;
    // Without progress a dumb HTTP server's files may be on their way for long; HTTP has lowSpeedTime.
    const silence =
      onReceived && !isWeb(revision)
        ? setTimeout(() => giveUp(new GitFailed(`nothing came for ${noProgressMs / 1000} seconds`)), noProgressMs)
        : undefined;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      silence?.refresh();
      said = (said + text).slice(-KEPT_OUTPUT);
      try {
        const bytes = receivedBytesIn(text);
        if (bytes !== null) onReceived?.(bytes);
      } catch (error) {
        giveUp(error);
      }
    });
    try {
      const { failed, stdout, exitCode, code, shortMessage } = await child;
      signal?.throwIfAborted();
      if (gaveUp !== null) throw gaveUp;
      if (!failed) return stdout;
      if (code === 'ENOENT') throw new SlipwayError('REVISION_TOOL_MISSING', 'git is not installed on this host');
      const what = withoutProgress(said).slice(-MAX_MESSAGE) || (shortMessage ?? '');
      throw new GitFailed(`git ${args[0]} ended with ${exitCode ?? 'a signal'}: ${what}`);
    } finally {
      clearTimeout(silence);
      signal?.removeEventListener('abort', kill);
    }
  };
}

function isWeb({ url }: GitRevision): boolean {
  return /^https?:/.test(new URL(url).protocol);
}

/** All that git gets to know; secrets are in files and variables that only this user can read, never on the command line. */
function environment(ctx: RevisionContext, revision: GitRevision, repository: string): Record<string, string> {
  const url = new URL(revision.url);
  const settings: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.askPass', ''],
    ['credential.helper', ''],
    // Git itself neither asks by whom it is sent on, nor where to. This switches off alternates as well.
    ['http.followRedirects', 'false'],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', String(Math.ceil(ctx.tuning.noProgressMs / 1000))],
    ['gc.auto', '0'],
    // However few objects come, they stay together in a pack: only then git says how many bytes have come.
    ['fetch.unpackLimit', '1'],
    // The repository may be another user's on this host; it is read, and nothing in it is run.
    ['safe.directory', '*'],
  ];
  const web = isWeb(revision);
  const credential = web ? credentialFor(url, ctx.sourceCredentialsFile) : null;
  if (credential !== null) {
    // A copy: git deletes what a server refuses from the file that it is given.
    const file = join(repository, 'slipway-credentials');
    writeFileSync(file, `${credential.href}\n`, { mode: 0o600 });
    settings.push(['credential.helper', `store --file=${shellQuote(file)}`]);
  }
  const proxy = web ? proxyFor(url, ctx.proxyUri, ctx.proxyEnvironment) : null;
  if (proxy !== null) settings.push(['http.proxy', proxy.href]);
  const authorities = web ? ctx.namedAuthorities() : [];
  if (authorities.length > 0) {
    // Git takes this file in place of the system's, not beside it.
    const file = join(repository, 'slipway-authorities.pem');
    writeFileSync(file, [...getCACertificates('system'), ...authorities].join('\n'), { mode: 0o600 });
    settings.push(['http.sslCAInfo', file]);
  }
  return {
    PATH: ctx.proxyEnvironment['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: repository,
    LC_ALL: 'C',
    GIT_DIR: repository,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: url.protocol.replace(':', ''),
    GIT_SSH_COMMAND: sshCommand(ctx),
    GIT_SSH_VARIANT: 'ssh',
    ...(ctx.proxyEnvironment['SSH_AUTH_SOCK'] === undefined
      ? {}
      : { SSH_AUTH_SOCK: ctx.proxyEnvironment['SSH_AUTH_SOCK'] }),
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

function sshCommand(ctx: RevisionContext): string {
  const seconds = Math.ceil(ctx.tuning.noProgressMs / 1000);
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `ConnectTimeout=${seconds}`,
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    ...(ctx.gitSshKeyFile === null ? [] : [`IdentityFile=${ctx.gitSshKeyFile}`, 'IdentitiesOnly=yes']),
    ...(ctx.gitKnownHostsFile === null ? [] : [`UserKnownHostsFile=${ctx.gitKnownHostsFile}`]),
  ];
  return ['ssh', ...options.map((option) => `-o ${shellQuote(option)}`)].join(' ');
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
