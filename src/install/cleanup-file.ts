/**
 * The cleanup file: what the next Install has to take away, one line each, in the order in which it was made. Pure: text and entries.
 *
 * The format is the official agent's, so either can clean up after the other: a path, or `semanage`, NUL, path. A path that it could not
 * read back (a line break in it, blanks at its ends) is written as JSON text. That begins with a quote, as no absolute path does.
 */
import type { CleanupEntry } from './types.ts';

const SEMANAGE = 'semanage\0';

/** @returns its lines, made as they are taken */
export function* formatCleanup(entries: Iterable<CleanupEntry>): Generator<string> {
  for (const { kind, path } of entries) yield `${kind === 'semanage' ? SEMANAGE : ''}${escapePath(path)}\n`;
}

/** Lines that name no absolute path, or climb with `..`, are left out: they cannot be this program's. */
export function parseCleanup(text: string): CleanupEntry[] {
  // What follows the last line break was being written when the power went.
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line): CleanupEntry[] => {
      const isContext = line.startsWith(SEMANAGE);
      const path = unescapePath(isContext ? line.slice(SEMANAGE.length) : line);
      if (path === null || !path.startsWith('/') || path.includes('\0') || path.split('/').includes('..')) return [];
      return [{ kind: isContext ? 'semanage' : 'path', path }];
    });
}

function escapePath(path: string): string {
  return path.includes('\n') || path.trim() !== path ? JSON.stringify(path) : path;
}

function unescapePath(text: string): string | null {
  if (!text.startsWith('"')) return text.trim();
  try {
    const path: unknown = JSON.parse(text);
    return typeof path === 'string' ? path : null;
  } catch {
    return null;
  }
}
