import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { basename, join } from 'node:path';
import { appSpecCandidates } from '../appspec/filenames.ts';
import { nearestName } from '../appspec/suggest.ts';
import type { AppSpec, Finding, Hook } from '../appspec/types.ts';
import { SlipwayError } from '../errors.ts';
import { plainAppSpecParser } from './appspec-parser.ts';

export interface FoundAppSpec {
  readonly appSpec: AppSpec;
  /** Relative to the archive. */
  readonly filename: string;
  readonly warnings: readonly Finding[];
}

/**
 * Finds and reads the AppSpec file of an unpacked revision; the one rule for every command.
 *
 * @throws SlipwayError APPSPEC_MISSING with the names and the place looked for, and what is there instead; APPSPEC_INVALID with every error
 * and its line
 */
export function findAppSpec(archiveDir: string, requested: string, parser = plainAppSpecParser): FoundAppSpec {
  const filename = requireAppSpec(archiveDir, requested);
  const path = join(archiveDir, filename);
  const result = parser.parse(readAppSpecText(path), filename);
  if (result.ok) return { appSpec: result.appSpec, filename, warnings: result.findings };
  const errors = result.findings
    .filter(({ severity }) => severity === 'error')
    .map(({ message, position }) => (position === null ? message : `line ${position.line}: ${message}`));
  throw new SlipwayError('APPSPEC_INVALID', `${path}: ${errors.join('; ')}`);
}

/** Limit on the warnings in the log of an event: more would leave room for nothing else. */
const LOGGED_WARNINGS = 10;

/** Writes the warnings about an AppSpec file for the log of an event, one a line. */
export function warningsForLog({ filename, warnings }: Pick<FoundAppSpec, 'filename' | 'warnings'>): string {
  const lines = warnings.map(({ message, position }) => {
    return `${filename}${position === null ? '' : `:${position.line}`}: warning: ${message}`;
  });
  const more = lines.length - LOGGED_WARNINGS;
  const listed = lines.slice(0, LOGGED_WARNINGS);
  return [...listed, ...(more > 0 ? [`${filename}: and ${more} more warnings`] : [])]
    .map((line) => `${line}\n`)
    .join('');
}

/** The hooks of a revision that is on this host already. */
export interface FoundHooks {
  readonly hooks: ReadonlyMap<string, readonly Hook[]>;
  /** Faults of the hooks that could not be read. */
  readonly faults: readonly string[];
}

/**
 * Reads the hooks of a revision that is installed already, and asks nothing else of its AppSpec file.
 *
 * @throws SlipwayError APPSPEC_MISSING; APPSPEC_INVALID when there is no sense in the file at all
 */
export function findInstalledHooks(archiveDir: string, requested: string, parser = plainAppSpecParser): FoundHooks {
  const path = join(archiveDir, requireAppSpec(archiveDir, requested));
  const read = parser.parseInstalled(readAppSpecText(path));
  if (read === null) throw new SlipwayError('APPSPEC_INVALID', `${path} is no AppSpec file that can be read`);
  return read;
}

/** @throws SlipwayError APPSPEC_MISSING */
function requireAppSpec(archiveDir: string, requested: string): string {
  const filename = locateAppSpec(archiveDir, requested);
  if (filename !== null) return filename;
  throw appSpecMissing(archiveDir, requested);
}

/** Limit on the bytes read: they are enough for the parser to refuse a file as too large, and memory never holds the rest. */
const MAX_READ_BYTES = 1024 * 1024;

/** The text of an AppSpec file, or as much of it as shows that it is none. */
export function readAppSpecText(path: string): string {
  // A person may name a file that is a link; in a revision it has been looked at.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const buffer = Buffer.alloc(Math.min(fstatSync(file).size, MAX_READ_BYTES));
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, 0));
  } finally {
    closeSync(file);
  }
}

/**
 * @param shown the folder, as its owner knows it
 * @returns the name under which the AppSpec file is there; null: under none
 * @throws SlipwayError APPSPEC_INVALID for one that is a link, or lies below one
 */
export function locateAppSpec(archiveDir: string, requested: string, shown: string = archiveDir): string | null {
  return appSpecCandidates(requested).find((name) => isFileInside(archiveDir, name, shown)) ?? null;
}

/** Refuses links: only the revision itself says what it does, and none of its files is read through a link. */
function isFileInside(archiveDir: string, name: string, shown: string): boolean {
  let path = archiveDir;
  for (const part of name.split('/').filter((one) => one !== '' && one !== '.')) {
    path = join(path, part);
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink() !== true) continue;
    const place = join(shown, path.slice(archiveDir.length));
    throw new SlipwayError('APPSPEC_INVALID', `${place} is a link, through which no AppSpec file is read`, {
      remedy: 'Put the AppSpec file itself there.',
    });
  }
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/**
 * Says that there is no AppSpec file, and what is there instead: one whose name is a little different, or one a folder down.
 *
 * @param shown the folder, as its owner knows it
 */
export function appSpecMissing(archiveDir: string, requested: string, shown: string = archiveDir): SlipwayError {
  const candidates = appSpecCandidates(requested);
  const wanted = `looked for ${candidates.join(', ')} in ${shown}`;
  const near = nearAppSpec(archiveDir, candidates);
  const message = `the revision has no AppSpec file: ${wanted}`;
  if (near === null) {
    const folder = candidates.find((name) =>
      lstatSync(join(archiveDir, name), { throwIfNoEntry: false })?.isDirectory(),
    );
    if (folder === undefined) return new SlipwayError('APPSPEC_MISSING', message);
    const remedy = `Put a file of this name in the folder’s place.`;
    return new SlipwayError('APPSPEC_MISSING', `${message}; ${folder} is a folder`, { remedy });
  }
  const call = callingOf(near.name, candidates);
  if (near.folder === '') {
    return new SlipwayError('APPSPEC_MISSING', `${message}; there is ${near.name}, which is another name`, {
      remedy: `Call it ${call}.`,
    });
  }
  const depth = near.folder.split('/').length;
  const deep = `${depth === 1 ? 'a folder' : `${depth} folders`} too deep`;
  const rename = candidates.includes(near.name) ? '' : `, and call it ${call}`;
  return new SlipwayError('APPSPEC_MISSING', `${message}; there is ${near.folder}/${near.name}, ${deep}`, {
    remedy: `Pack, or name, the folder ${near.folder} itself, so that the AppSpec file is in the root${rename}.`,
  });
}

/** The name that a file with nearly such a name is to have. */
function callingOf(near: string, candidates: readonly string[]): string {
  const differsInCase = candidates.find((name) => name.toLowerCase() === near.toLowerCase());
  return differsInCase === undefined ? `${candidates[0]}` : `${differsInCase}; capitals count`;
}

/** Deeper than this, and among more folders, nobody has packed the wrong folder by mistake. */
const MAX_FOLDERS_DOWN = 4;
const MAX_FOLDERS_LOOKED_AT = 500;

/** The AppSpec file under a name that is a little different, or some folders down; the one nearest to the root. */
function nearAppSpec(archiveDir: string, candidates: readonly string[]): { folder: string; name: string } | null {
  const folders = [''];
  for (let looked = 0; looked < folders.length && looked < MAX_FOLDERS_LOOKED_AT; looked += 1) {
    const folder = folders[looked] ?? '';
    const entries = readdirSync(join(archiveDir, folder), { withFileTypes: true });
    const files = entries.flatMap((entry) => (entry.isFile() ? entry.name : []));
    const name = nearNameOf(files, candidates);
    if (name !== null) return { folder, name };
    if (folder.split('/').length >= MAX_FOLDERS_DOWN) continue;
    for (const entry of entries)
      if (entry.isDirectory()) folders.push(folder === '' ? entry.name : `${folder}/${entry.name}`);
  }
  return null;
}

function nearNameOf(names: readonly string[], candidates: readonly string[]): string | null {
  const exact = candidates.find((name) => names.includes(basename(name)));
  if (exact !== undefined) return basename(exact);
  const near = candidates.flatMap((name) => nearestName(basename(name), names) ?? []);
  return near[0] ?? names.find((name) => /appspec/i.test(name) && /\.(ya?ml|json|txt)$/i.test(name)) ?? null;
}
