import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import { mountOf } from '../system/mounts.ts';
import { shellCommand } from '../system/shell-word.ts';

/** Turns a refusal of the disk into an error that says what to do about it. */
export function installFault(cause: unknown, what: string): unknown {
  if (cause instanceof SlipwayError) return cause;
  const code = systemErrorCode(cause);
  switch (code) {
    case null:
      return cause;
    case 'ENOSPC':
    case 'EDQUOT':
      return new SlipwayError('INSTALL_DISK_FULL', `${what}: the disk is full`, { cause });
    case 'EROFS':
      return readOnly(cause, what);
    case 'EACCES':
    case 'EPERM':
      return new SlipwayError('INSTALL_NOT_PERMITTED', `${what}: ${messageOf(cause)}`, {
        cause,
        remedy: process.getuid?.() === 0 ? ROOT_REMEDY : USER_REMEDY,
      });
    case 'EBUSY':
    case 'EXDEV': {
      const remedy = 'Look what is mounted there (findmnt); unmount it, or name the path in protect_paths.';
      return new SlipwayError('INSTALL_FAILED', `${what}: something is mounted there (${code})`, { cause, remedy });
    }
    default:
      return new SlipwayError('INSTALL_FAILED', `${what}: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Makes the error for half-done work that could not be put right. It names the cause and what helps against that. The journal stays.
 *
 * @param what has happened, without the cause
 */
export function notRecovered(cause: unknown, what: string): SlipwayError {
  const fault = installFault(cause, what);
  const toDo = fault instanceof SlipwayError ? fault.remedy : 'Put right what the message names.';
  return new SlipwayError('INSTALL_NOT_RECOVERED', `${what}: ${messageOf(cause)}`, {
    cause,
    remedy: `${toDo} Then deploy again, or start the agent again: either puts it right first.`,
  });
}

/** Running as root already, the agent needs no such advice. */
const ROOT_REMEDY =
  'Not even root may do this: look for files that are immutable (lsattr; chattr -i undoes it), for a network file system that takes root for nobody, or for what the service’s unit forbids (systemctl show).';
const USER_REMEDY = 'Give the agent’s user rights on the destination, or run the agent as root.';

function readOnly(cause: unknown, what: string): SlipwayError {
  const path = cause instanceof Error && 'path' in cause && typeof cause.path === 'string' ? cause.path : null;
  const mount = path === null ? null : mountOf(path);
  const where = mount === null ? 'the file system' : `the file system at ${mount.mountPoint}`;
  const remount = mount === null ? '' : ` (${shellCommand('mount', '-o', 'remount,rw', mount.mountPoint)})`;
  return new SlipwayError('INSTALL_NOT_PERMITTED', `${what}: ${where} is mounted read-only`, {
    cause,
    remedy: `Mount it read-write${remount}, or name another destination in the AppSpec file. Where it should be writable, dmesg says whether a disk fault made it read-only, and ReadOnlyPaths= or ProtectSystem= in the service’s unit may do the same.`,
  });
}
