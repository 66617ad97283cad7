/** Meaning of git's messages. */
import { messageOf, SlipwayError } from '../errors.ts';
import type { GitRevision } from '../protocol/specification.ts';
import { installationOf } from '../system/program-table.ts';
import { isTemporaryStatus } from './hopeless.ts';
import type { RevisionContext } from './types.ts';

/** A command of git that failed. */
export class GitFailed extends Error {
  override readonly name = 'GitFailed';
  /** Words of git and ssh themselves: a server's words in the message decide nothing. */
  readonly words: string;
  /** @param message for people, the server's words included */
  constructor(message: string, words: string) {
    super(message);
    this.words = words;
  }
}

const HOST_KEY = /Host key verification failed|No \S{1,20} host key is known/i;
const NO_ACCESS = /could not read (Username|Password)|Authentication failed|Permission denied|invalid credentials/i;
const NO_COMMIT = /not our ref|unadvertised object|couldn't find remote ref|bad object|unknown revision/i;
const NO_REPOSITORY = /not found|does not (exist|appear to be a git repository)|not valid: is this a git repository/i;
/** Certificates that do not fit, no TLS at all, schemes that git does not speak, proxies that refuse. */
const HOPELESS =
  /certificate|SSL routines:|wrong version number|gnutls_handshake|transport '\S{1,40}' not allowed|nsupported protocol|HTTP code 4\d\d from proxy/i;

/** The status of HTTP that git failed with; null: none. */
function statusIn({ words }: GitFailed): number | null {
  const [, status] = /The requested URL returned error: (\d{3})\b/.exec(words) ?? [];
  return status === undefined ? null : Number(status);
}

/** Whether the server gives away no single commits: then git has to look through all that branches and tags lead to. */
export function wantsWholeHistory({ words }: GitFailed): boolean {
  return /not our ref|unadvertised object|does not support shallow/i.test(words);
}

/** Whether another try may succeed where this one failed. */
export function mayMend(cause: GitFailed): boolean {
  const status = statusIn(cause);
  if (status !== null) return isTemporaryStatus(status);
  if (faultOfHost(cause) !== null) return false;
  return ![HOST_KEY, NO_ACCESS, NO_COMMIT, NO_REPOSITORY, HOPELESS].some((pattern) => pattern.test(cause.words));
}

/** Returns the fault that git reports about this host, rather than about the server; null: none. */
export function faultOfHost(cause: GitFailed): SlipwayError | null {
  if (/No space left on device|Disk quota exceeded/i.test(cause.words)) {
    return new SlipwayError('REVISION_DISK_FULL', `the disk became full while git worked: ${cause.message}`, { cause });
  }
  if (/\bssh: (command )?not found|cannot run ssh/i.test(cause.words)) {
    return new SlipwayError('REVISION_TOOL_MISSING', 'ssh, which git needs for ssh:// addresses, is not installed', {
      cause,
      remedy: `${installationOf('ssh')}, and see that it is in PATH of the agent.`,
    });
  }
  return null;
}

/** @param cause GitFailed, or another fault of the network */
export function faultOf(ctx: RevisionContext, revision: GitRevision, cause: unknown): SlipwayError {
  const message = `${revision.url} at ${revision.commitId} could not be fetched: ${messageOf(cause)}`;
  return (
    (cause instanceof GitFailed ? faultOfWords(ctx, revision, message, cause) : null) ??
    new SlipwayError('REVISION_UNREACHABLE', message, {
      cause,
      remedy: 'Check the address, DNS, certificates, proxies and firewalls from this host.',
    })
  );
}

function faultOfWords(
  ctx: RevisionContext,
  revision: GitRevision,
  message: string,
  cause: GitFailed,
): SlipwayError | null {
  const ofHost = faultOfHost(cause);
  if (ofHost !== null) return ofHost;
  const says = (pattern: RegExp) => pattern.test(cause.words);
  const status = statusIn(cause);
  if (status !== null && status >= 300 && status < 400) {
    return new SlipwayError('REVISION_REDIRECT_REFUSED', message, {
      cause,
      remedy: 'Git follows no redirects here: deploy the address that the server sends on to, if it is the right one.',
    });
  }
  if (says(HOST_KEY)) {
    return new SlipwayError('REVISION_DENIED', message, {
      cause,
      remedy:
        'Put the server’s key, as ssh-keyscan prints it, into git_known_hosts_file after comparing it with the server’s.',
    });
  }
  if (status === 401 || status === 403 || says(NO_ACCESS)) {
    return new SlipwayError('REVISION_DENIED', message, { cause, remedy: remedyForAccess(ctx, revision) });
  }
  if (says(NO_COMMIT)) {
    return new SlipwayError('REVISION_NOT_FOUND', `${revision.url} has no commit ${revision.commitId}`, {
      cause,
      remedy: 'Push the commit to a branch or tag of that repository.',
    });
  }
  if (status === 404 || status === 410 || says(NO_REPOSITORY)) {
    return new SlipwayError('REVISION_NOT_FOUND', message, {
      cause,
      remedy: 'Check the address; servers answer so as well for repositories that may not be seen without credentials.',
    });
  }
  return null;
}

function remedyForAccess({ sourceCredentialsFile: file }: RevisionContext, { url }: GitRevision): string {
  if (url.startsWith('ssh:')) {
    return 'Register the public half of git_ssh_key_file as a deploy key of the repository, or name the right key.';
  }
  return file === null
    ? 'If the repository is not public, put https://USER:TOKEN@HOST into a file and name it in source_credentials_file.'
    : `Check the line for this host in ${file}: the token may have expired, or may not read this repository.`;
}
