import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { execaSync } from 'execa';
import { programEnvironment } from './program-environment.ts';

/** A user of this machine. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** The login shell; empty where the machine's default applies. */
  readonly shell: string;
}

/** Looks in /etc/passwd, then asks whatever else the machine is set up to ask (LDAP, systemd); null: nobody has the name. */
export function lookupUser(name: string): SystemUser | null {
  const fields = findEntry('/etc/passwd', 'passwd', name);
  if (fields === null) return null;
  return { name, uid: Number(fields[2]), gid: Number(fields[3]), home: fields[5] ?? '/', shell: fields[6] ?? '' };
}

/** @returns the number of a group; null: there is none of the name */
export function lookupGroup(name: string): number | null {
  const fields = findEntry('/etc/group', 'group', name);
  return fields === null ? null : Number(fields[2]);
}

/** The name of the user that this process runs as; its number where the machine knows no name. */
export function ownUserName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 0);
  }
}

function findEntry(file: string, database: string, name: string): string[] | null {
  if (name === '' || /[:\n\0]/.test(name)) return null;
  const isIt = (line: string) => line.startsWith(`${name}:`);
  const local = readLines(file).find(isIt);
  if (local !== undefined) return local.split(':');
  const asked = execaSync('getent', ['--', database, name], {
    reject: false,
    stdin: 'ignore',
    timeout: 10_000,
    env: programEnvironment(),
    extendEnv: false,
  });
  const line = asked.failed ? undefined : asked.stdout.split('\n').find(isIt);
  return line?.split(':') ?? null;
}

/** A container may have neither file. */
function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
