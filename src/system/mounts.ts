import { readFileSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Mount {
  readonly mountPoint: string;
  /** Options of this mount and of its file system: `ro`, `noexec`, … */
  readonly options: ReadonlySet<string>;
}

/**
 * The mount that a path is on, or would be on if it were made; null where the system does not tell.
 *
 * @param mountinfo of another process, which may see other mounts
 */
export function mountOf(path: string, mountinfo = '/proc/self/mountinfo'): Mount | null {
  const real = realPath(path);
  let text: string;
  try {
    text = readFileSync(mountinfo, 'utf8');
  } catch {
    return null;
  }
  return mountAmong(text, real);
}

/** @param text of `/proc/self/mountinfo`; of two mounts in one place the later one counts */
export function mountAmong(text: string, path: string): Mount | null {
  let found: Mount | null = null;
  for (const line of text.split('\n')) {
    const fields = line.split(' ');
    const mountPoint = fromOctal(fields[4] ?? '');
    if (mountPoint === '' || !isBelow(path, mountPoint)) continue;
    if (found !== null && mountPoint.length < found.mountPoint.length) continue;
    const ofFileSystem = fields[fields.indexOf('-') + 3] ?? '';
    found = { mountPoint, options: new Set([...(fields[5] ?? '').split(','), ...ofFileSystem.split(',')]) };
  }
  return found;
}

/** Blanks and the like are written as octal numbers. */
export function fromOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function isBelow(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

function realPath(path: string): string {
  for (let at = path; ; at = dirname(at)) {
    try {
      return realpathSync(at);
    } catch {
      if (at === dirname(at)) return at;
    }
  }
}
