/**
 * How what was written becomes durable.
 *
 * Many small files are synced by one `syncfs`, which is far faster than an `fsync` of each. It also waits for everything else that is still
 * to be written to that file system, first of all the unpacked revision. With many files it is therefore begun before they are copied. With
 * large ones that would be as much again, so they are synced one by one as soon as they are copied.
 */
import { dirname } from 'node:path';
import { execa, execaSync } from 'execa';
import { programEnvironment } from '../system/program-environment.ts';
import type { InstallFs } from './install-fs.ts';
import type { InstallPlan } from './types.ts';

/** From this size on, on average, writing a file takes longer than what the file system does to keep it. */
const LARGE_BYTES = 1024 * 1024;

/** Links cannot be synced one by one, and copies of what another hand has changed lie in folders of their own. */
export function areSyncedOneByOne({ files, saved }: Pick<InstallPlan, 'files' | 'saved'>): boolean {
  if (files.length === 0 || saved.length > 0 || files.some(({ kind }) => kind === 'symlink')) return false;
  return files.reduce((sum, { facts }) => sum + facts.sizeBytes, 0) >= files.length * LARGE_BYTES;
}

/** From so many on, the writing takes longer than to start the program that begins with it. */
const MANY_FILES = 1000;

/** Lets the file system begin with the unpacked revision while its files are copied. Nothing depends on it. */
export function beginWriting({ files }: Pick<InstallPlan, 'files'>, archiveDir: string): void {
  if (files.length >= MANY_FILES) startWriting(archiveDir);
}

/** After so many files there is enough to write, and enough still to be copied meanwhile. */
const FILES_AHEAD = 10_000;

/** Is told of each file that has been copied, and lets the file system begin with them now and then. Nothing depends on it. */
export function createWriteAhead(): (path: string) => void {
  let files = 0;
  return (path) => {
    files += 1;
    if (files % FILES_AHEAD === 0) startWriting(dirname(path));
  };
}

function startWriting(folder: string): void {
  void execa('sync', ['--file-system', folder], {
    reject: false,
    stdio: 'ignore',
    env: programEnvironment(),
    extendEnv: false,
  });
}

/** Makes everything written durable: one call per file system. */
export function syncFileSystems(fs: InstallFs, folders: readonly string[]): void {
  // A folder may be reached by a link, which can be on another file system.
  const oneEach = new Map(folders.map((folder) => [fs.lstatSync(`${folder}/.`).dev, folder]));
  for (const folder of oneEach.values()) {
    const synced = execaSync('sync', ['--file-system', folder], {
      reject: false,
      stdin: 'ignore',
      env: programEnvironment(),
      extendEnv: false,
    });
    // Without the program, or on an odd file system, everything is synced, which takes longer and is as durable.
    if (synced.failed) execaSync('sync', [], { stdin: 'ignore', env: programEnvironment(), extendEnv: false });
  }
}
