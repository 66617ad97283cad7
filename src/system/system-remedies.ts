/** Remedies for what the operating system refuses, by the code of its error. Pure. */
import { systemErrorCode } from '../errors.ts';

/** Refusals that are no fault of Slipway's, whichever part of it meets them. */
export const SYSTEM_REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'Run it as root or as the user who owns it, or name another path.',
  EPERM: 'Run it as root or as the user who owns it, or name another path.',
  EROFS: 'The file system is mounted read-only: name a path on another one.',
  ENOSPC: 'Make room on that file system: its space or its inodes are used up.',
  EDQUOT: 'Make room: the quota of this user is used up.',
  EMFILE: 'Let this user have more open files (ulimit -n).',
  ENFILE: 'The machine has no more open files to give: look for the process that holds so many.',
  EEXIST: 'Something else is in the way under this name: name another path.',
  EISDIR: 'Name a file, not a folder.',
  ENOTDIR: 'A part of this path is a file where a folder should be: check the path.',
  ELOOP: 'Links on this path lead around in a circle: check the path.',
  ENAMETOOLONG: 'Check the path: a name in it is longer than the file system takes.',
};

/** @returns options of an error about a file that somebody has named: the cause, and the remedy that fits it if there is one */
export function fileFault(cause: unknown): { readonly cause: unknown; readonly remedy?: string } {
  const code = systemErrorCode(cause) ?? '';
  const remedy = code === 'ENOENT' ? 'Check the path: nothing is there.' : SYSTEM_REMEDIES[code];
  return remedy === undefined ? { cause } : { cause, remedy };
}

/** @returns the same about an address that a server was to listen on */
export function listenFault(cause: unknown, port: number): { readonly cause: unknown; readonly remedy?: string } {
  switch (systemErrorCode(cause)) {
    case 'EADDRINUSE':
      return {
        cause,
        remedy: `Another program listens there: \`ss -ltnp 'sport = :${port}'\` names it. End it, or choose another address with --listen or --s3-listen.`,
      };
    case 'EADDRNOTAVAIL':
      return { cause, remedy: 'This machine does not have that address: `ip address` shows those that it has.' };
    case 'EACCES':
      return {
        cause,
        remedy: `Only root may listen on port ${port}. Choose a port from 1024 on, or set AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit.`,
      };
    default:
      return { cause };
  }
}
