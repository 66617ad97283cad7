import { SlipwayError } from '../errors.ts';
import type { GitRevision } from '../protocol/specification.ts';
import type { GitFailed } from './git-command.ts';
import type { RevisionContext } from './types.ts';

/** What git says of this host, and not of the server; null: nothing. */
export function faultOfHost(cause: GitFailed): SlipwayError | null {
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
export function faultOf(ctx: RevisionContext, revision: GitRevision, cause: GitFailed): SlipwayError {
  const ofHost = faultOfHost(cause);
  if (ofHost !== null) return ofHost;
  const message = `${revision.url} at ${revision.commitId} could not be fetched: ${cause.message}`;
  const says = (pattern: RegExp) => pattern.test(cause.message);
  const isSsh = revision.url.startsWith('ssh:');
  if (says(/Host key verification failed|No \S{1,20} host key is known/i)) {
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
  if (says(/not found|does not (exist|appear to be a git repository)|error: 404/i)) {
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
