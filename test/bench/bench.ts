/**
 * What unpacking and installing cost beside the system's own tools, in the same run: `npm run bench`, `npm run bench -- --json`.
 *
 * Contestants take turns, five rounds after one that does not count; the figure is the median, the ratio is the median of the rounds'
 * ratios. Caches are warm. The system's tools sync nothing; Install syncs its journal and, once per file system, everything it has staged,
 * and that is in its figure.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { packBundle } from '../../src/archive/pack.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import { runInstall } from '../../src/install/install.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { installContext, installRequest } from '../support/install.ts';

const FILES = 20_000;
const FOLDERS = 400;
const FILE_BYTES = 4096;
const ROUNDS = 5;

interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms';
  readonly floor: number;
  readonly ratio: number;
}

interface Contest {
  readonly name: string;
  /** Prepares nothing that counts; gets a folder of its own. */
  ours(folder: string): Promise<void>;
  floor(folder: string): Promise<void>;
}

async function main(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  try {
    const tree = makeTree(join(root, 'tree'));
    const contests = [...(await unpackContests(root, tree)), installContest(tree)];
    for (const contest of contests) print(await measure(contest, root));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function makeTree(path: string): string {
  const content = Buffer.alloc(FILE_BYTES, 'the quick brown fox jumps over the lazy dog ');
  for (let folder = 0; folder < FOLDERS; folder += 1) {
    const below = join(path, `folder-${folder}`);
    mkdirSync(below, { recursive: true });
    for (let file = 0; file < FILES / FOLDERS; file += 1) writeFileSync(join(below, `file-${file}`), content);
  }
  return path;
}

async function unpackContests(root: string, tree: string): Promise<Contest[]> {
  const types: readonly BundleType[] = ['tar', 'tgz', 'zip'];
  return Promise.all(
    types.map(async (bundleType) => {
      const bundleFile = join(root, `bundle.${bundleType}`);
      await packBundle({ sourceDir: tree, bundleFile, bundleType });
      return {
        name: `unpack ${bundleType}, ${FILES} files`,
        ours: async (folder: string) => {
          const limits = { maxBytes: 2 ** 40, maxEntries: 2 ** 30 };
          const rules = { rejectSymlinks: false, keepOwnership: false };
          await unpackBundle({ bundleFile, bundleType, archiveDir: join(folder, 'archive'), limits, rules });
        },
        floor: async (folder: string) => {
          if (bundleType === 'zip') await execa('unzip', ['-q', bundleFile, '-d', folder]);
          else await execa('tar', ['-xf', bundleFile, '-C', folder]);
        },
      };
    }),
  );
}

function installContest(tree: string): Contest {
  return {
    name: `install fresh, ${FILES} files, journal and sync included`,
    ours: async (folder) => {
      await runInstall(installContext(), installRequest(folder, 'one', { archiveDir: tree }));
    },
    floor: async (folder) => {
      await execa('cp', ['-a', tree, join(folder, 'site')]);
    },
  };
}

async function measure(contest: Contest, root: string): Promise<Figure> {
  const rounds: { ours: number; floor: number }[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const times = { ours: 0, floor: 0 };
    for (const who of round % 2 === 0 ? (['ours', 'floor'] as const) : (['floor', 'ours'] as const)) {
      const folder = mkdtempSync(join(root, 'round-'));
      const begin = performance.now();
      await contest[who](folder);
      times[who] = performance.now() - begin;
      rmSync(folder, { recursive: true });
    }
    if (round > 0) rounds.push(times);
  }
  return {
    name: contest.name,
    value: median(rounds.map(({ ours }) => ours)),
    unit: 'ms',
    floor: median(rounds.map(({ floor }) => floor)),
    ratio: median(rounds.map(({ ours, floor }) => ours / floor)),
  };
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function print(figure: Figure): void {
  if (process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify(figure)}\n`);
    return;
  }
  const { name, value, floor, ratio } = figure;
  process.stdout.write(
    `${name.padEnd(58)} ${value.toFixed(0).padStart(6)} ms   system ${floor.toFixed(0).padStart(6)} ms   ratio ${ratio.toFixed(2)}\n`,
  );
}

await main();
