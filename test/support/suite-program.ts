/**
 * Vitest runs it before the first test file: it builds the program that tests start. A build is kept for as long as the sources stay the
 * same, since tests are mostly run one file at a time.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { buildPrograms } from '../../build.ts';
import { BUILT_PROGRAM } from './program-under-test.ts';

const PROJECT = join(import.meta.dirname, '../..');
/** Below the checkout's packages, so that a build finds those that are not bundled. */
const BUILDS = join(PROJECT, 'node_modules/.cache/slipway-tests-program');
/** Parts of a package that are copied as they are. */
const COPIED = ['bin', 'systemd', 'schema', 'package.json'];
/** Files that decide what a build holds. */
const SOURCES = [
  'src/**/*.ts',
  'src/**/*.json',
  'bin/*',
  'systemd/*',
  'schema/**/*',
  'build.ts',
  'package.json',
  'package-lock.json',
];
/** Another run in this checkout may still use a build that is younger. */
const KEPT_MS = 3_600_000;

export default async function setUp(project: TestProject): Promise<void> {
  // A watching run outlives the sources that it began with.
  if (project.config.watch) return;
  const build = join(BUILDS, digestOfSources());
  if (!existsSync(build)) await makeBuild(build);
  keepYoung(build);
  process.env[BUILT_PROGRAM] = join(build, 'bin/slipway.js');
}

function digestOfSources(): string {
  const digest = createHash('sha256');
  for (const file of globSync(SOURCES, { cwd: PROJECT }).sort()) {
    const path = join(PROJECT, file);
    if (statSync(path).isFile()) digest.update(`${file}\0`).update(readFileSync(path));
  }
  return digest.digest('hex').slice(0, 16);
}

async function makeBuild(build: string): Promise<void> {
  mkdirSync(BUILDS, { recursive: true });
  removeOldBuilds();
  const unfinished = `${build}.${process.pid}`;
  for (const part of COPIED) cpSync(join(PROJECT, part), join(unfinished, part), { recursive: true });
  await buildPrograms(join(unfinished, 'dist'));
  try {
    renameSync(unfinished, build);
  } catch (error) {
    // Another run in this checkout has built the same meanwhile.
    if (!existsSync(build)) throw error;
    rmSync(unfinished, { recursive: true });
  }
}

/** Another user of this checkout may have made the build. */
function keepYoung(build: string): void {
  const now = new Date();
  if (statSync(build).uid === process.getuid?.()) utimesSync(build, now, now);
}

function removeOldBuilds(): void {
  for (const name of readdirSync(BUILDS)) {
    const path = join(BUILDS, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}
