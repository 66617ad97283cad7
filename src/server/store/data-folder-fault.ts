/** Faults that the system reports about the server's data folder, and the remedy in each case. */
import { messageOf, SlipwayError, systemErrorCode } from '../../errors.ts';
import { mountOf } from '../../system/mounts.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { ownUserName } from '../../system/users.ts';

/** @returns SlipwayError SERVER_DATA_FOLDER for what the system refuses, with the remedy of the case; every other fault as it is */
export function dataFolderFault(dataDir: string, cause: unknown): unknown {
  const code = cause instanceof SlipwayError ? null : systemErrorCode(cause);
  if (code === null) return cause;
  return new SlipwayError(
    'SERVER_DATA_FOLDER',
    `the data folder ${dataDir} cannot be used: ${reasonOf(dataDir, cause)}`,
    { cause, ...remedyOf(dataDir, code) },
  );
}

/** Node calls a read-only file system a missing file when it makes folders. */
function reasonOf(dataDir: string, cause: unknown): string {
  return isReadOnly(dataDir) ? 'its file system is mounted read-only' : messageOf(cause);
}

function isReadOnly(dataDir: string): boolean {
  return mountOf(dataDir)?.options.has('ro') === true;
}

function remedyOf(dataDir: string, code: string): { readonly remedy?: string } {
  const mount = mountOf(dataDir)?.mountPoint ?? dataDir;
  if (code === 'EROFS' || isReadOnly(dataDir)) {
    const command = shellCommand('mount', '-o', 'remount,rw', mount);
    return {
      remedy: `\`${command}\`, and correct its line in /etc/fstab; look at \`dmesg\` if nobody did that. Or name another folder with --data-dir.`,
    };
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return {
      remedy: `Make room on ${mount}, in bytes and in inodes, or raise the quota of the user ${ownUserName()}.`,
    };
  }
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return { remedy: 'A file is where a folder must be: move it away, or name another folder with --data-dir.' };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const command = shellCommand('chown', '-R', `${ownUserName()}:`, dataDir);
    return {
      remedy: `Let the server’s user have it: make it as root, then \`${command}\`. The folders on the way must be open to that user, too.`,
    };
  }
  return {};
}
