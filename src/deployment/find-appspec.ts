import { closeSync, existsSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { appSpecCandidates } from '../appspec/filenames.ts';
import { parseAppSpec } from '../appspec/parse.ts';
import type { AppSpec, Finding } from '../appspec/types.ts';
import { SlipwayError } from '../errors.ts';

export interface FoundAppSpec {
  readonly appSpec: AppSpec;
  /** Relative to the archive. */
  readonly filename: string;
  readonly warnings: readonly Finding[];
}

/**
 * Finds and reads the AppSpec file of an unpacked revision; the one rule for every command.
 *
 * @throws SlipwayError APPSPEC_MISSING with the names and the place looked for; APPSPEC_INVALID with every error and its line
 */
export function findAppSpec(archiveDir: string, requested: string): FoundAppSpec {
  const filename = locateAppSpec(archiveDir, requested);
  if (filename === null) {
    throw new SlipwayError(
      'APPSPEC_MISSING',
      `the revision has no AppSpec file: looked for ${appSpecCandidates(requested).join(', ')} in ${archiveDir}`,
    );
  }
  const path = join(archiveDir, filename);
  const result = parseAppSpec(readAppSpecText(path), { filename, platform: 'linux' });
  if (result.ok) return { appSpec: result.appSpec, filename, warnings: result.findings };
  const errors = result.findings
    .filter(({ severity }) => severity === 'error')
    .map(({ message, position }) => (position === null ? message : `line ${position.line}: ${message}`));
  throw new SlipwayError('APPSPEC_INVALID', `${path}: ${errors.join('; ')}`);
}

/** Of more than this the parser says that it is too much, without anybody having to hold it in memory. */
const MAX_READ_BYTES = 1024 * 1024;

/** The text of an AppSpec file, or as much of it as shows that it is none. */
export function readAppSpecText(path: string): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.min(statSync(path).size, MAX_READ_BYTES));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}

/** @returns the name under which the AppSpec file is there; null: under none */
export function locateAppSpec(archiveDir: string, requested: string): string | null {
  return appSpecCandidates(requested).find((name) => isFileInside(archiveDir, name)) ?? null;
}

function isFileInside(archiveDir: string, name: string): boolean {
  const path = join(archiveDir, name);
  if (!existsSync(path) || !statSync(path).isFile()) return false;
  return realpathSync(path).startsWith(`${realpathSync(archiveDir)}/`);
}
