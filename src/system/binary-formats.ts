import { readdirSync, readFileSync } from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';

const KERNEL_FOLDER = '/proc/sys/fs/binfmt_misc';

/**
 * Whether this machine starts a program, by itself or by what its kernel has been told.
 *
 * @param machines that the program is for, as `uname -m` names them; null: nobody can tell, and trying does
 * @param beginning the program's first bytes, a character each
 * @param name of its file
 */
export function startsProgram(machines: readonly string[] | null, beginning: string, name: string): boolean {
  return machines === null || machines.includes(machine()) || hasBinaryFormat(beginning, name);
}

/**
 * Whether this kernel has been told which program runs files like this one (`binfmt_misc`): an emulator of another machine, Wine, Java.
 *
 * @param beginning the file's first bytes, a character each
 * @param name of the file
 * @param folder where the kernel shows what it has been told
 */
export function hasBinaryFormat(beginning: string, name: string, folder: string = KERNEL_FOLDER): boolean {
  try {
    return readdirSync(folder)
      .filter((entry) => entry !== 'register' && entry !== 'status')
      .some((entry) => matches(readFileSync(join(folder, entry), 'latin1'), beginning, name));
  } catch {
    // Not mounted, or out of this user's sight: nothing is known to be there.
    return false;
  }
}

/** @see the kernel's Documentation/admin-guide/binfmt-misc.rst */
function matches(rule: string, beginning: string, name: string): boolean {
  const lines = rule.split('\n').map((line) => line.split(' '));
  const wordAfter = (key: string) => lines.find(([word]) => word === key)?.[1];
  if (!lines.some(([word]) => word === 'enabled')) return false;
  const extension = wordAfter('extension');
  if (extension !== undefined) return name.endsWith(extension.startsWith('.') ? extension : `.${extension}`);
  const magic = Buffer.from(wordAfter('magic') ?? '', 'hex');
  const mask = Buffer.from(wordAfter('mask') ?? '', 'hex');
  const offset = Number(wordAfter('offset') ?? 0);
  const bytes = Buffer.from(beginning.slice(offset, offset + magic.length), 'latin1');
  if (magic.length === 0 || bytes.length < magic.length) return false;
  return magic.every((byte, at) => (((bytes[at] ?? 0) ^ byte) & (mask[at] ?? 0xff)) === 0);
}
