/** Words of the bench about a machine that lacks tools, and its figures then. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { missingPrograms } from '../support/programs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { compared, show } from './figures.ts';
import { missingTools } from './tools.ts';

const ALL = ['cp', 'tar', 'gzip', 'bsdtar', 'sync', 'openssl', 'mkfs.ext4', 'fallocate', 'mount', 'umount'];
const PARTS = ['daemon', 'contests', 'deployments', 'long-run'];

/** A PATH with nothing but these programs. */
function pathWith(folder: string, programs: readonly string[]): string {
  mkdirSync(folder);
  for (const program of programs) writeFileSync(`${folder}/${program}`, '', { mode: 0o755 });
  return folder;
}

test.each([
  { lacks: [], parts: PARTS, said: [] },
  {
    lacks: ['bsdtar'],
    parts: PARTS,
    said: ['not on this machine: bsdtar; bundles of type zip are measured without comparison'],
  },
  { lacks: ['bsdtar', 'tar'], parts: ['daemon'], said: [] },
  {
    lacks: ['openssl', 'mkfs.ext4', 'mount'],
    parts: ['daemon'],
    said: [
      'not on this machine: openssl; the daemon is measured over http, not https',
      'not on this machine: mkfs.ext4, mount; figures are measured in memory, not on ext4',
    ],
  },
])('a bench of $parts without $lacks says before it begins what it measures otherwise', ({ lacks, parts, said }) => {
  using scratch = scratchFolder();
  const path = pathWith(
    scratch.at('bin'),
    ALL.filter((program) => !lacks.includes(program)),
  );
  expect(missingTools(parts, true, path)).toEqual(said);
});

test('a bench that is not run by root needs no tools for images', () => {
  using scratch = scratchFolder();
  const path = pathWith(scratch.at('bin'), ['cp', 'tar', 'gzip', 'bsdtar', 'sync', 'openssl']);
  expect(missingTools(PARTS, false, path)).toEqual([]);
});

test('a program that lies on the PATH and may not be run is missing', () => {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('tool'), '', { mode: 0o644 });
  expect(missingPrograms(['tool'], scratch.path)).toEqual(['tool']);
});

test('a figure without comparison has a value, no ratio, and no goal that it could miss', () => {
  const rounds = [3, 1, 2].map((ours) => ({ ours, floor: null }));
  expect(compared('zip', rounds, 1.5)).toEqual({
    name: 'zip',
    value: 2,
    unit: 'ms',
    floor: null,
    ratio: null,
    goal: null,
  });
  expect(show(compared('zip', rounds, 1.5), false)).not.toContain('MISSED');
});

test('a figure with comparison has the median of the ratios, and the goal for it', () => {
  const rounds = [
    { ours: 10, floor: 10 },
    { ours: 30, floor: 10 },
    { ours: 40, floor: 20 },
  ];
  expect(compared('tar', rounds, 1.5)).toMatchObject({ value: 30, floor: 10, ratio: 2, goal: 1.5 });
});
