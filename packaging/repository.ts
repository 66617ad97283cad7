/** A repository that apt installs from, as files for any web server: packages in a pool, indexes of them, and one signature over all indexes. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from './run.ts';

export interface RepositoryOptions {
  readonly folder: string;
  /** The packages that are added. Those that are in the pool already stay: hosts may want to go back. */
  readonly debs: readonly string[];
  /** As `gpg --local-user` takes it: fingerprint, or a part of the name. */
  readonly signKey: string;
  /** Date of the signed list, in seconds since the epoch, unless the list that is published has a later one. */
  readonly timeSeconds: number;
}

interface Index {
  /** Below the suite's folder. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const SUITE = 'stable';
const COMPONENT = 'main';
const POOL = `pool/${COMPONENT}/s/slipway`;
const RELEASE = 'Release';
/** The public key, in the form that `signed-by=` takes. */
export const KEY_FILE = 'slipway-archive-keyring.gpg';

/**
 * Adds packages to a repository, and makes one where there is none. A client that reads meanwhile gets the old state or the new one.
 * Indexes lie under their hashes, too, and the signed list of them comes last.
 *
 * @throws Error when a program is missing, the key cannot sign, or the pool has another package of the same version; what was published
 *   before stays valid
 */
export function addToRepository(options: RepositoryOptions): void {
  const { folder, debs, signKey, timeSeconds } = options;
  const suite = join(folder, 'dists', SUITE);
  const pool = join(folder, POOL);
  for (const needed of [suite, pool]) mkdirSync(needed, { recursive: true });
  for (const deb of debs) refuseOtherContent(join(pool, basename(deb)), deb);
  for (const deb of debs) put(join(pool, basename(deb)), readFileSync(deb));
  const indexes = indexesOf(pool);
  // apt keeps the list that it has when a later one has an earlier date, and says nothing: a package of an older commit would reach no host.
  const dateSeconds = Math.max(timeSeconds, dateOf(join(suite, RELEASE)));
  const release = releaseText(indexes, dateSeconds);
  const signed = (way: string) =>
    run('gpg', ['--batch', '--yes', '--local-user', signKey, '--armor', way, '--output', '-'], 'gpg', {}, release);
  const [inline, detached] = [signed('--clearsign'), signed('--detach-sign')];
  for (const { path, bytes } of indexes) {
    const byHash = join(suite, path, '..', 'by-hash', 'SHA256');
    mkdirSync(byHash, { recursive: true });
    put(join(byHash, sha256(bytes)), bytes);
    put(join(suite, path), bytes);
  }
  exportKey(folder, signKey);
  put(join(suite, RELEASE), Buffer.from(release));
  put(join(suite, 'Release.gpg'), Buffer.from(`${detached}\n`));
  put(join(suite, 'InRelease'), Buffer.from(`${inline}\n`));
}

/** Hosts that have a version never look at another package of the same version. */
function refuseOtherContent(published: string, deb: string): void {
  if (!existsSync(published) || readFileSync(published).equals(readFileSync(deb))) return;
  throw new Error(
    `${published} is in the repository already, and the new package of this version differs from it: hosts that have the version would ` +
      'not upgrade. Raise `version` in package.json and build again. Remove that file first if no host has installed it.',
  );
}

/** @returns the date of a list that is published, in seconds since the epoch; 0: there is no list */
function dateOf(release: string): number {
  if (!existsSync(release)) return 0;
  const [, date = ''] = /^Date: (.*)$/m.exec(readFileSync(release, 'utf8')) ?? [];
  return Date.parse(date) / 1000 || 0;
}

/** One list of packages for each architecture, plain and compressed. */
function indexesOf(pool: string): readonly Index[] {
  const packages = readdirSync(pool)
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((name) => ({ architecture: /_([a-z0-9]+)\.deb$/.exec(name)?.[1] ?? 'all', text: entryOf(pool, name) }));
  const architectures = [...new Set(packages.map(({ architecture }) => architecture))].sort();
  return architectures.flatMap((architecture) => {
    const own = packages.filter((one) => one.architecture === architecture);
    const bytes = Buffer.from(own.map(({ text }) => text).join('\n'));
    const path = `${COMPONENT}/binary-${architecture}/Packages`;
    return [
      { path, bytes },
      { path: `${path}.gz`, bytes: gzipSync(bytes, { level: 9 }) },
    ];
  });
}

/** A package's own control file, and where it is to be had. */
function entryOf(pool: string, name: string): string {
  const file = join(pool, name);
  const bytes = readFileSync(file);
  const control = run('dpkg-deb', ['--field', file], 'dpkg');
  return `${control}\nFilename: ${POOL}/${name}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
}

function releaseText(indexes: readonly Index[], timeSeconds: number): string {
  const architectures = new Set(indexes.map(({ path }) => /binary-([^/]+)/.exec(path)?.[1]));
  const sums = indexes.map(({ path, bytes }) => ` ${sha256(bytes)} ${bytes.length} ${path}\n`);
  return `Origin: Slipway
Label: Slipway
Suite: ${SUITE}
Codename: ${SUITE}
Date: ${new Date(timeSeconds * 1000).toUTCString().replace('GMT', 'UTC')}
Architectures: ${[...architectures].join(' ')}
Components: ${COMPONENT}
Acquire-By-Hash: yes
Description: Packages of Slipway
SHA256:
${sums.join('')}`;
}

function exportKey(folder: string, signKey: string): void {
  const file = join(folder, KEY_FILE);
  run('gpg', ['--batch', '--yes', '--output', `${file}.new`, '--export', signKey], 'gpg');
  renameSync(`${file}.new`, file);
}

function put(path: string, bytes: Uint8Array): void {
  if (existsSync(path) && readFileSync(path).equals(bytes)) return;
  writeFileSync(`${path}.new`, bytes);
  renameSync(`${path}.new`, path);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
