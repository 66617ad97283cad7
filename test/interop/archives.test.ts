/** Archives of the system's own tools are unpacked as these tools unpack them: kind, mode, time, links and content. */
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { unpackBundle } from '../../src/archive/unpack.ts';
import type { BundleType } from '../../src/protocol/specification.ts';
import { testWith } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

const { limits, rules } = UNPACK_RULES;

/** A folder with what a revision may hold; names longer than the oldest formats take only where they can be told. */
function makeSource(path: string, { longNames = true, plainToUnzip = false } = {}): string {
  mkdirSync(`${path}/empty folder`, { recursive: true });
  mkdirSync(`${path}/scripts`);
  writeFileSync(`${path}/appspec.yml`, 'version: 0.0\nos: linux\n');
  writeFileSync(`${path}/empty`, '');
  writeFileSync(`${path}/scripts/run.sh`, '#!/bin/sh\n', { mode: 0o755 });
  writeFileSync(`${path}/.hidden`, 'x');
  writeFileSync(`${path}/ünï 日本.txt`, 'unicode');
  writeFileSync(`${path}/trailing blank `, 'odd');
  writeFileSync(`${path}/-dash`, 'odd');
  if (!plainToUnzip) writeFileSync(`${path}/back\\slash`, 'odd');
  if (!plainToUnzip) writeFileSync(`${path}/new\nline`, 'odd');
  writeFileSync(`${path}/large`, Buffer.alloc(3 * 1024 * 1024, 'slipway'));
  if (longNames) {
    const deep = `${path}/${'a'.repeat(110)}/${'b'.repeat(110)}/${'c'.repeat(110)}`;
    mkdirSync(deep, { recursive: true });
    writeFileSync(`${deep}/${'d'.repeat(110)}`, 'deep');
    symlinkSync(`${'a'.repeat(110)}/${'b'.repeat(110)}`, `${path}/far`);
  }
  symlinkSync('scripts/run.sh', `${path}/link`);
  linkSync(`${path}/appspec.yml`, `${path}/same`);
  chmodSync(`${path}/.hidden`, 0o600);
  chmodSync(`${path}/scripts`, 0o750);
  utimesSync(`${path}/empty`, 1_000_000_000, 1_000_000_000.25);
  return path;
}

async function ours(bundleFile: string, bundleType: BundleType, archiveDir: string) {
  await unpackBundle({ bundleFile, bundleType, archiveDir, limits, rules });
  return treeOf(archiveDir, { times: true });
}

/** @param extract the system's command, run in an empty folder */
async function theirs(folder: string, extract: readonly [string, ...string[]]) {
  mkdirSync(folder);
  const [program, ...args] = extract;
  // Info-ZIP's reader spells names out that the locale does not know.
  await execa(program, args, { cwd: folder, env: { LC_ALL: 'C.UTF-8' } });
  return treeOf(folder, { times: true });
}

const TAR_MAKERS: Readonly<Record<string, { make: readonly string[]; longNames?: boolean; needs?: string }>> = {
  'GNU tar, its own format': { make: ['tar', '--format=gnu'] },
  'GNU tar, pax': { make: ['tar', '--format=pax'] },
  'GNU tar, ustar': { make: ['tar', '--format=ustar'], longNames: false },
  'GNU tar, v7': { make: ['tar', '--format=v7'], longNames: false },
  'GNU tar, old GNU': { make: ['tar', '--format=oldgnu'] },
  'GNU tar with a label': { make: ['tar', '--format=gnu', '--label=release'] },
  'GNU tar, incremental': { make: ['tar', '--format=gnu', '--incremental'] },
  'bsdtar, pax': { make: ['bsdtar', '--format=pax'], needs: 'bsdtar' },
  'bsdtar, gnutar': { make: ['bsdtar', '--format=gnutar'], needs: 'bsdtar' },
  'bsdtar, ustar': { make: ['bsdtar', '--format=ustar'], needs: 'bsdtar', longNames: false },
};

describe('a tar archive of', () => {
  for (const [maker, { make, longNames = true, needs = 'tar' }] of Object.entries(TAR_MAKERS)) {
    testWith(needs)(`${maker} is unpacked as tar unpacks it, plain and compressed`, async () => {
      using scratch = scratchFolder();
      const cwd = makeSource(scratch.at('source'), { longNames });
      const [program = '', ...args] = make;
      await execa(program, [...args, '-cf', scratch.at('bundle'), '.'], { cwd });
      const expected = await theirs(scratch.at('system'), [
        'tar',
        '--delay-directory-restore',
        '-xpf',
        scratch.at('bundle'),
      ]);
      expect(await ours(scratch.at('bundle'), 'tar', scratch.at('plain'))).toEqual(expected);
      // Two members, one after the other, as parallel compressors write them; and something behind.
      const bytes = readFileSync(scratch.at('bundle'));
      const members = [gzipSync(bytes.subarray(0, 5000)), gzipSync(bytes.subarray(5000)), Buffer.alloc(700)];
      writeFileSync(scratch.at('bundle.tgz'), Buffer.concat(members));
      expect(await ours(scratch.at('bundle.tgz'), 'tgz', scratch.at('packed'))).toEqual(expected);
      expect(statSync(scratch.at('plain', 'same')).ino).toBe(statSync(scratch.at('plain', 'appspec.yml')).ino);
    });
  }

  for (const format of ['gnu', 'pax --sparse-version=0.0', 'pax --sparse-version=0.1', 'pax --sparse-version=1.0']) {
    test(`GNU tar with sparse files, ${format}, has the same content and holes`, async () => {
      using scratch = scratchFolder();
      mkdirSync(scratch.at('source'));
      const file = openSync(scratch.at('source', 'sparse'), 'w');
      for (let n = 1; n <= 40; n += 1) writeSync(file, `piece ${n}`, n * 200_000);
      ftruncateSync(file, 20_000_000);
      closeSync(file);
      const allHole = openSync(scratch.at('source', 'hole'), 'w');
      ftruncateSync(allHole, 5_000_000);
      closeSync(allHole);
      writeFileSync(scratch.at('source', 'plain'), 'after');
      const flags = `--format=${format}`.split(' ');
      await execa('tar', [...flags, '--sparse', '-cf', scratch.at('bundle'), '.'], { cwd: scratch.at('source') });
      expect(statSync(scratch.at('bundle')).size).toBeLessThan(1_000_000);
      const expected = await theirs(scratch.at('system'), [
        'tar',
        '--delay-directory-restore',
        '-xpf',
        scratch.at('bundle'),
      ]);
      expect(await ours(scratch.at('bundle'), 'tar', scratch.at('archive'))).toEqual(expected);
      expect(lstatSync(scratch.at('archive', 'sparse')).blocks).toBeLessThan(2000);
    });
  }

  for (const format of ['USTAR_FORMAT', 'GNU_FORMAT', 'PAX_FORMAT']) {
    testWith('python3')(`Python's tarfile, ${format}, is unpacked as tar unpacks it`, async () => {
      using scratch = scratchFolder();
      const cwd = makeSource(scratch.at('source'), { longNames: format !== 'USTAR_FORMAT' });
      const script = `import sys, tarfile; t = tarfile.open(sys.argv[1], 'w:gz', format=tarfile.${format}); t.add('.'); t.close()`;
      await execa('python3', ['-c', script, scratch.at('bundle')], { cwd });
      const expected = await theirs(scratch.at('system'), [
        'tar',
        '--delay-directory-restore',
        '-xpzf',
        scratch.at('bundle'),
      ]);
      expect(await ours(scratch.at('bundle'), 'tgz', scratch.at('archive'))).toEqual(expected);
    });
  }
});

describe('git archive', () => {
  for (const format of ['tar', 'tgz', 'zip'] as const) {
    testWith('git')(`as ${format} is unpacked as the system's tools unpack it`, async () => {
      using scratch = scratchFolder();
      // Info-ZIP's reader changes newlines and backslashes in names.
      const cwd = makeSource(scratch.at('source'), { plainToUnzip: format === 'zip' });
      const git = (...args: string[]) => {
        return execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'core.quotePath=false', ...args], {
          cwd,
        });
      };
      await git('init', '-q');
      await git('add', '-A');
      await git('commit', '-qm', 'all');
      await git('archive', `--format=${format}`, '-o', scratch.at('bundle'), 'HEAD');
      const expected = await theirs(
        scratch.at('system'),
        format === 'zip' ? ['unzip', '-q', scratch.at('bundle')] : ['tar', '-xpf', scratch.at('bundle')],
      );
      expect(await ours(scratch.at('bundle'), format, scratch.at('archive'))).toEqual(expected);
    });
  }
});

const ZIP_MAKERS: Readonly<Record<string, { make: string; needs: string }>> = {
  'Info-ZIP': { make: 'zip -qry "$0" .', needs: 'zip' },
  'Info-ZIP, stored': { make: 'zip -qry0 "$0" .', needs: 'zip' },
  'Info-ZIP, zip64': { make: 'zip -qry -fz "$0" .', needs: 'zip' },
  bsdtar: { make: 'bsdtar --format=zip -cf "$0" .', needs: 'bsdtar' },
};

describe('a zip archive of', () => {
  for (const [maker, { make, needs }] of Object.entries(ZIP_MAKERS)) {
    testWith(needs)(`${maker} is the folder that went in`, async () => {
      using scratch = scratchFolder();
      const cwd = makeSource(scratch.at('source'));
      await execa('sh', ['-c', make, scratch.at('bundle.zip')], { cwd });
      expect(await ours(scratch.at('bundle.zip'), 'zip', scratch.at('archive'))).toEqual(
        Object.fromEntries(
          Object.entries(treeOf(cwd, { times: true })).map(([path, facts]) => [
            path,
            facts.replace(/@(\d+)/, (_, ms: string) => `@${Math.floor(Number(ms) / 1000) * 1000}`),
          ]),
        ),
      );
    });
  }

  testWith('python3', 'unzip')("Python's zipfile with names in code page 437 and no Unix attributes", async () => {
    using scratch = scratchFolder();
    const script = [
      'import sys, zipfile',
      "z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)",
      "z.writestr('d/unicode-\\u65e5', 'x')",
      "i = zipfile.ZipInfo('plain'); i.create_system = 0; i.external_attr = 0; z.writestr(i, 'y')",
      "i = zipfile.ZipInfo('caf_'); i.create_system = 0; z.writestr(i, 'z')",
      'z.close()',
      "data = open(sys.argv[1], 'rb').read().replace(b'caf_', b'caf\\x82')",
      "open(sys.argv[1], 'wb').write(data)",
    ];
    await execa('python3', ['-c', script.join('\n'), scratch.at('bundle.zip')]);
    await ours(scratch.at('bundle.zip'), 'zip', scratch.at('archive'));
    expect(treeOf(scratch.at('archive'))).toEqual({
      d: 'directory 755',
      'd/unicode-日': 'file 600 "x"',
      plain: 'file 644 "y"',
      café: 'file 644 "z"',
    });
  });

  testWith('zip')('a program in front of it is unpacked anyway', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('source'));
    writeFileSync(scratch.at('source', 'a'), 'hello');
    await execa('zip', ['-qr', scratch.at('plain.zip'), '.'], { cwd: scratch.at('source') });
    writeFileSync(
      scratch.at('bundle.zip'),
      Buffer.concat([Buffer.alloc(999, 'x'), readFileSync(scratch.at('plain.zip'))]),
    );
    await ours(scratch.at('bundle.zip'), 'zip', scratch.at('archive'));
    expect(existsSync(scratch.at('archive', 'a'))).toBe(true);
  });
});
