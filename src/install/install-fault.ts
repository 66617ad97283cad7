import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';

/** What the disk refused, as an error that says what to do about it. */
export function installFault(cause: unknown, what: string): unknown {
  if (cause instanceof SlipwayError) return cause;
  const code = systemErrorCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SlipwayError('INSTALL_DISK_FULL', `${what}: the disk is full`, { cause });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new SlipwayError('INSTALL_NOT_PERMITTED', `${what}: ${messageOf(cause)}`, { cause });
  }
  if (code === 'EBUSY' || code === 'EXDEV') {
    const remedy = 'Look what is mounted there (findmnt); unmount it, or name the path in protect_paths.';
    return new SlipwayError('INSTALL_FAILED', `${what}: something is mounted there (${code})`, { cause, remedy });
  }
  if (code === null) return cause;
  return new SlipwayError('INSTALL_FAILED', `${what}: ${messageOf(cause)}`, { cause });
}
