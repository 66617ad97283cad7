/** Environment of git. Secrets are in files and variables that only this user can read, never on the command line. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { proxyFor } from '../protocol/proxy.ts';
import type { GitRevision } from '../protocol/specification.ts';
import { quoteForShell } from '../system/shell-word.ts';
import { credentialFor } from './credentials-file.ts';
import type { RevisionContext } from './types.ts';

/** The descriptor that takes what ssh writes to its standard error: a server can write there, and must not pass for git. */
export const SSH_SAYS = 3;

export function isWeb({ url }: GitRevision): boolean {
  return /^https?:/.test(new URL(url).protocol);
}

/** @param repository where files with credentials and authorities go, too; it is removed after the fetch */
export function gitEnvironment(
  ctx: RevisionContext,
  revision: GitRevision,
  repository: string,
): Record<string, string> {
  const url = new URL(revision.url);
  const settings: [string, string][] = [
    ['core.hooksPath', '/dev/null'],
    ['core.askPass', ''],
    // Larger files go through in pieces, not as a whole in memory.
    ['core.bigFileThreshold', '64m'],
    // A thread for each core, with a cache each, would take more than git_max_memory on large machines.
    ['pack.threads', '4'],
    ['core.deltaBaseCacheLimit', '32m'],
    ['credential.helper', ''],
    // Git itself neither asks by whom it is sent on, nor where to. This switches off alternates as well.
    ['http.followRedirects', 'false'],
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', String(Math.ceil(ctx.tuning.noProgressMs / 1000))],
    ['gc.auto', '0'],
    // However few objects come, they stay together in a pack, which is written while they come.
    ['fetch.unpackLimit', '1'],
    // The repository may be another user's on this host; it is read, and nothing in it is run.
    ['safe.directory', '*'],
    ...(isWeb(revision) ? webSettings(ctx, url, repository) : []),
  ];
  const { PATH, SSH_AUTH_SOCK } = ctx.proxyEnvironment;
  return {
    PATH: PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
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
    ...(SSH_AUTH_SOCK === undefined ? {} : { SSH_AUTH_SOCK }),
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ]),
    ),
  };
}

function webSettings(ctx: RevisionContext, url: URL, repository: string): [string, string][] {
  const settings: [string, string][] = [];
  const credential = givenCredential(ctx, url) ?? credentialFor(url, ctx.sourceCredentialsFile);
  if (credential !== null) {
    // A copy: git deletes what a server refuses from the file that it is given.
    const file = join(repository, 'slipway-credentials');
    writeFileSync(file, `${credential.href}\n`, { mode: 0o600 });
    settings.push(['credential.helper', `store --file=${quoteForShell(file)}`]);
  }
  const proxy = proxyFor(url, ctx.proxyUri, ctx.proxyEnvironment);
  if (proxy !== null) settings.push(['http.proxy', proxy.href]);
  const authorities = ctx.namedAuthorities();
  if (authorities.length > 0) {
    // Git takes this file in place of the system's, not beside it.
    const file = join(repository, 'slipway-authorities.pem');
    writeFileSync(file, [...getCACertificates('system'), ...authorities].join('\n'), { mode: 0o600 });
    settings.push(['http.sslCAInfo', file]);
  }
  return settings;
}

/** As a line of git's credential store; null: the deployment brings none. */
function givenCredential({ gitAccess }: RevisionContext, { origin }: URL): URL | null {
  if (gitAccess === undefined || gitAccess === null) return null;
  const credential = new URL(origin);
  // As encodeURIComponent has them: the setters of a URL leave signs that git reads otherwise.
  credential.username = encodeURIComponent(gitAccess.user);
  credential.password = encodeURIComponent(gitAccess.token);
  return credential;
}

function sshCommand(ctx: RevisionContext): string {
  const seconds = Math.ceil(ctx.tuning.noProgressMs / 1000);
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    `ConnectTimeout=${seconds}`,
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    // A shared connection would be a process that outlives the fetch.
    'ControlMaster=no',
    'ControlPath=none',
    ...(ctx.gitSshKeyFile === null ? [] : [`IdentityFile=${sshPath(ctx.gitSshKeyFile)}`, 'IdentitiesOnly=yes']),
    ...(ctx.gitKnownHostsFile === null ? [] : [`UserKnownHostsFile=${sshPath(ctx.gitKnownHostsFile)}`]),
  ];
  return ['ssh', ...options.map((option) => `-o ${quoteForShell(option)}`), `2>&${SSH_SAYS}`].join(' ');
}

/** A path as ssh_config(5) reads it: blanks end it unless it is quoted, and `%` begins a token. */
function sshPath(path: string): string {
  return `"${path.replace(/[\\"]/g, '\\$&').replaceAll('%', '%%')}"`;
}
