/** Which build of the program this is: what `slipway --version` says beside the version. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface BuildRecord {
  /** How it came onto this machine; `source`: a checkout, whose sources run as they are. */
  readonly packing: 'npm' | 'deb' | 'rpm' | 'tar.gz' | 'source';
  /** null: it was built where nobody knows the commit. */
  readonly commit: Commit | null;
}

export interface Commit {
  /** In full. */
  readonly id: string;
  readonly timeSeconds: number;
  /** The files were not those of the commit. */
  readonly isChanged: boolean;
}

/** Written when a package is made, into the package's folder. */
export const BUILD_FILE = 'dist/build.json';

/** @param root the package's folder, or the checkout's */
export function buildRecordOf(root: string): BuildRecord {
  const isCheckout = existsSync(join(root, 'src/cli/main.ts'));
  if (isCheckout) return { packing: 'source', commit: commitOf(root) };
  try {
    return JSON.parse(readFileSync(join(root, BUILD_FILE), 'utf8')) as BuildRecord;
  } catch {
    return { packing: 'npm', commit: null };
  }
}

/** The commit that a checkout is at. @returns null: git is not here, or the folder is no checkout of its own */
export function commitOf(root: string): Commit | null {
  if (!existsSync(join(root, '.git'))) return null;
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const [id = '', time] = git('log', '-1', '--format=%H %ct').split(' ');
    return { id, timeSeconds: Number(time), isChanged: git('status', '--porcelain', '--untracked-files=no') !== '' };
  } catch {
    return null;
  }
}

const SHORT_ID = 12;

/** `0.1.0 (deb, commit 0123456789ab of 2026-11-29)`. Pure. */
export function describeBuild(version: string, { packing, commit }: BuildRecord): string {
  if (commit === null) return `${version} (${packing}, commit unknown)`;
  const day = new Date(commit.timeSeconds * 1000).toISOString().slice(0, 'YYYY-MM-DD'.length);
  const changed = commit.isChanged ? ', with changes' : '';
  return `${version} (${packing}, commit ${commit.id.slice(0, SHORT_ID)} of ${day}${changed})`;
}
