import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { execa } from 'execa';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import { proxyFor } from '../protocol/proxy.ts';
import type { GitRevision } from '../protocol/specification.ts';
import { signalProcess } from '../system/processes.ts';
import { readAuthorities } from '../system/trust.ts';
import { partFileOf, removePart, writeFault } from './bundle-part.ts';
import { credentialFor } from './credentials-file.ts';
import type { FetchedBundle, FetchRequest, RevisionContext } from './types.ts';

/** More than enough to say what went wrong. */
const MAX_MESSAGE = 2_000;

/**
 * Fetches one commit with git itself, and packs it as `git archive` does, so that it is unpacked under the same rules as every bundle. Git
 * addresses content by its hash: what has the commit's id is the commit.
 *
 * Nothing of the repository is run: there is no work tree, no hook and no submodule, and no configuration but what is given here.
 *
 * @throws SlipwayError REVISION_NOT_FOUND, REVISION_DENIED, REVISION_UNREACHABLE, REVISION_TOOL_MISSING
 */
export async function fetchFromGit(
  ctx: RevisionContext,
  revision: GitRevision,
  request: FetchRequest,
): Promise<FetchedBundle> {
  const repository = `${request.bundleFile}.git`;
  const partFile = partFileOf(request.bundleFile);
  request.reserve?.(null);
  try {
    rmSync(repository, { recursive: true, force: true });
    removePart(partFile);
    mkdirSync(repository, { mode: 0o700 });
    const git = createGit(ctx, revision, repository, request.signal);
    // Of the usual hash nothing is said, because old versions of git know no other.
    const objectFormat = revision.commitId.length === 64 ? ['--object-format=sha256'] : [];
    await git(['init', '--quiet', '--bare', '--template=', ...objectFormat, '--', repository]);
    await fetchCommit(ctx, git, revision, request.signal);
    if (request.commitFile !== undefined) {
      const commit = await git(['cat-file', 'commit', revision.commitId], 'latin1');
      writeFileSync(request.commitFile, commit, { encoding: 'latin1', mode: 0o600 });
    }
    await git(['archive', '--format=tar', `--output=${partFile}`, revision.commitId]);
    renameSync(partFile, request.bundleFile);
    return { eTag: null, sizeBytes: statSync(request.bundleFile).size };
  } catch (error) {
    if (request.signal?.aborted === true || isSlipwayError(error)) throw error;
    // All that is left by now is this host's own.
    throw (error instanceof GitFailed ? faultOfHost(error) : null) ?? writeFault(request.bundleFile, error);
  } finally {
    rmSync(repository, { recursive: true, force: true });
    removePart(partFile);
  }
}

/** @param encoding latin1 keeps every byte apart. @returns what git printed, to the last newline */
type Git = (args: readonly string[], encoding?: 'utf8' | 'latin1') => Promise<string>;

async function fetchCommit(
  ctx: RevisionContext,
  git: Git,
  revision: GitRevision,
  signal: AbortSignal | undefined,
): Promise<void> {
  const fetch = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules'];
  for (let tries = 0; ; tries += 1) {
    try {
      await git([...fetch, '--depth=1', '--', revision.url, revision.commitId]).catch(async (error: unknown) => {
        // Old servers, and some settings, give away no single commits: then all that branches and tags lead to is looked through.
        if (!(error instanceof GitFailed) || !/not our ref|unadvertised object|dumb http|shallow/i.test(error.message))
          throw error;
        await git([...fetch, '--', revision.url, '+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']);
      });
      break;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof GitFailed)) throw error;
      const fault = faultOf(ctx, revision, error);
      const waitMs = ctx.tuning.retryWaitsMs[tries];
      if (waitMs === undefined || !isSlipwayError(fault, 'REVISION_UNREACHABLE')) throw fault;
      ctx.log.warn('git could not fetch the commit, and tries again', { url: revision.url, waitMs, error });
      await ctx.clock.sleep(waitMs, signal);
      signal?.throwIfAborted();
    }
  }
  const found = await git(['rev-parse', '--verify', '--quiet', `${revision.commitId}^{commit}`]).catch(() => '');
  if (found.trim() !== revision.commitId) {
    throw new SlipwayError('REVISION_NOT_FOUND', `${revision.url} has no commit ${revision.commitId}`, {
      remedy: 'Push the commit to a branch or tag of that repository; a tag’s own id, or a tree’s, is not a commit’s.',
    });
  }
}

class GitFailed extends Error {
  override readonly name = 'GitFailed';
}

function createGit(
  ctx: RevisionContext,
  revision: GitRevision,
  repository: string,
  signal: AbortSignal | undefined,
): Git {
  const env = environment(ctx, revision, repository);
  return async (args, encoding = 'utf8') => {
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
      maxBuffer: 1024 * 1024,
      encoding,
      stripFinalNewline: false,
    });
    const kill = () => {
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGTERM');
    };
    signal?.addEventListener('abort', kill, { once: true });
    try {
      const { failed, stdout, stderr, exitCode, code, shortMessage } = await child;
      signal?.throwIfAborted();
      if (!failed) return stdout;
      if (code === 'ENOENT') throw new SlipwayError('REVISION_TOOL_MISSING', 'git is not installed on this host');
      const what = stderr.trim() || (shortMessage ?? '');
      throw new GitFailed(`git ${args[0]} ended with ${exitCode ?? 'a signal'}: ${what.slice(0, MAX_MESSAGE)}`);
    } finally {
      signal?.removeEventListener('abort', kill);
    }
  };
}

/** All that git gets to know; secrets are in files and variables that only this user can read, never on the command line. */
function environment(ctx: RevisionContext, revision: GitRevision, repository: string): Record<string, string> {
  const url = new URL(revision.url);
  const settings: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.askPass', ''],
    ['credential.helper', ''],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', String(Math.ceil(ctx.tuning.noProgressMs / 1000))],
    ['gc.auto', '0'],
    // The repository may be another user's on this host; it is read, and nothing in it is run.
    ['safe.directory', '*'],
  ];
  const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
  const credential = isWeb ? credentialFor(url, ctx.sourceCredentialsFile) : null;
  if (credential !== null) {
    // A copy: git deletes what a server refuses from the file that it is given.
    const file = join(repository, 'slipway-credentials');
    writeFileSync(file, `${credential.href}\n`, { mode: 0o600 });
    settings.push(['credential.helper', `store --file=${shellQuote(file)}`]);
  }
  const proxy = isWeb ? proxyFor(url, ctx.proxyUri, ctx.proxyEnvironment) : null;
  if (proxy !== null) settings.push(['http.proxy', proxy.href]);
  const authorities = isWeb ? readAuthorities(ctx.proxyEnvironment) : [];
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

/** What git says of this host, and not of the server; null: nothing. */
function faultOfHost(cause: GitFailed): SlipwayError | null {
  if (/No space left on device|Disk quota exceeded/i.test(cause.message)) {
    return new SlipwayError('REVISION_DISK_FULL', `the disk became full while git worked: ${cause.message}`, { cause });
  }
  if (/\bssh: (command )?not found|cannot run ssh/i.test(cause.message)) {
    return new SlipwayError('REVISION_TOOL_MISSING', 'ssh, which git needs for ssh:// addresses, is not installed', {
      cause,
    });
  }
  return null;
}

/** What git's words mean. @see `remote-curl.c` and `connect.c` of git, and OpenSSH, whose messages these are in the C locale */
function faultOf(ctx: RevisionContext, revision: GitRevision, cause: GitFailed): SlipwayError {
  const ofHost = faultOfHost(cause);
  if (ofHost !== null) return ofHost;
  const message = `${revision.url} at ${revision.commitId} could not be fetched: ${cause.message}`;
  const says = (pattern: RegExp) => pattern.test(cause.message);
  const isSsh = revision.url.startsWith('ssh:');
  if (says(/Host key verification failed|No .* host key is known/i)) {
    return new SlipwayError('REVISION_DENIED', message, {
      cause,
      remedy:
        'Put the server’s key, as ssh-keyscan prints it, into git_known_hosts_file after comparing it with the server’s.',
    });
  }
  if (
    says(
      /could not read (Username|Password)|Authentication failed|Permission denied|error: 40[13]|invalid credentials/i,
    )
  ) {
    const file = ctx.sourceCredentialsFile;
    return new SlipwayError('REVISION_DENIED', message, {
      cause,
      remedy: isSsh
        ? 'Register the public half of git_ssh_key_file as a deploy key of the repository, or name the right key.'
        : file === null
          ? 'If the repository is not public, put https://USER:TOKEN@HOST into a file and name it in source_credentials_file.'
          : `Check the line for this host in ${file}: the token may have expired, or may not read this repository.`,
    });
  }
  if (says(/not our ref|unadvertised object|couldn't find remote ref|bad object|unknown revision/i)) {
    return new SlipwayError('REVISION_NOT_FOUND', `${revision.url} has no commit ${revision.commitId}`, {
      cause,
      remedy: 'Push the commit to a branch or tag of that repository.',
    });
  }
  if (says(/repository .*not found|not found|does not (exist|appear to be a git repository)|error: 404/i)) {
    return new SlipwayError('REVISION_NOT_FOUND', message, {
      cause,
      remedy: 'Check the address; servers answer so as well for repositories that may not be seen without credentials.',
    });
  }
  return new SlipwayError('REVISION_UNREACHABLE', message, {
    cause,
    remedy: 'Check the address, DNS, proxies and firewalls from this host.',
  });
}
