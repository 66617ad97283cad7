/** A folder is a bundle like any other: what it may hold, and what becomes of it, is the same whatever it is packed as. */
import {
  chmodSync,
  cpSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { EntryRules } from '../../src/archive/entry-rules.ts';
import { copyFolder, judgeFolder } from '../../src/archive/folder-bundle.ts';
import { packBundle } from '../../src/archive/pack.ts';
import { unpackBundle } from '../../src/archive/unpack.ts';
import { leftOut } from '../support/needs.ts';
import { hasPrograms } from '../support/programs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';
import { UNPACK_RULES } from '../support/unpack.ts';

const { limits, rules } = UNPACK_RULES;
const strict = (rejectSymlinks: EntryRules['rejectSymlinks']): EntryRules => ({ ...rules, rejectSymlinks });

type Verdict = string;

async function verdictOf(work: () => Promise<unknown>): Promise<Verdict> {
  return work().then(
    () => 'good',
    (error: { code?: string }) => error.code ?? `crashed: ${String(error)}`,
  );
}

/** Verdicts of every way of taking the folder: judged, copied, packed, and unpacked from what other programs pack. */
async function verdicts(scratch: ScratchFolder, given: Partial<typeof UNPACK_RULES> = {}): Promise<Set<Verdict>> {
  const request = { sourceDir: scratch.at('source'), ...UNPACK_RULES, ...given };
  const archiveDir = scratch.at('archive');
  const found = [
    await verdictOf(() => judgeFolder(request)),
    await verdictOf(() => copyFolder({ ...request, archiveDir })),
  ];
  rmSync(archiveDir, { recursive: true, force: true });
  for (const bundleType of ['tar', 'tgz', 'zip'] as const) {
    const bundleFile = scratch.at(`bundle.${bundleType}`);
    found.push(await verdictOf(() => packBundle({ ...request, bundleFile, bundleType })));
  }
  const theirs = [
    ['tar', ['tar', '-cf', scratch.at('theirs.tar'), '.']],
    ['tgz', ['tar', '-czf', scratch.at('theirs.tgz'), '.']],
    ['zip', ['zip', '-qry', scratch.at('theirs.zip'), '.']],
  ] as const;
  for (const [bundleType, [program, ...args]] of theirs) {
    if (!hasPrograms(program)) continue;
    // Info-ZIP waits for somebody to write into a pipe.
    if (bundleType === 'zip' && readdirSync(scratch.at('source')).includes('pipe')) continue;
    await execa(program, args, { cwd: scratch.at('source') });
    const bundleFile = scratch.at(`theirs.${bundleType}`);
    found.push(await verdictOf(() => unpackBundle({ ...request, bundleFile, bundleType, archiveDir })));
    rmSync(archiveDir, { recursive: true, force: true });
  }
  return new Set(found);
}

function source(scratch: ScratchFolder, fill: (path: string) => void): void {
  mkdirSync(scratch.at('source/d'), { recursive: true });
  writeFileSync(scratch.at('source/d/file'), 'content');
  fill(scratch.at('source'));
}

describe('a folder and what is packed of it are judged alike:', () => {
  const links: Readonly<Record<string, string>> = {
    'a virtual environment’s absolute link': '/usr/bin/python3',
    'a link out of the folder': '../../etc',
    'a dangling link': 'nowhere',
    'a link to itself': 'd/link',
    'a link within': 'file',
  };

  test.each(Object.entries(links))(`%s is content${leftOut('zip')}`, async (name, target) => {
    using scratch = scratchFolder();
    source(scratch, (path) => symlinkSync(target, `${path}/d/link`));
    expect(await verdicts(scratch)).toEqual(new Set(['good']));
    const isOut = name.includes('absolute') || name.includes('out of');
    expect(await verdicts(scratch, { rules: strict('escaping') })).toEqual(
      new Set([isOut ? 'ARCHIVE_LINK_ESCAPES' : 'good']),
    );
    expect(await verdicts(scratch, { rules: strict(true) })).toEqual(new Set(['ARCHIVE_LINK_REFUSED']));
  });

  test('a pipe is refused by its name', async () => {
    using scratch = scratchFolder();
    source(scratch, () => undefined);
    await execa('mkfifo', [scratch.at('source/pipe')]);
    expect(await verdicts(scratch)).toEqual(new Set(['ARCHIVE_ENTRY_UNUSABLE']));
    await expect(judgeFolder({ sourceDir: scratch.at('source'), ...UNPACK_RULES })).rejects.toThrow(
      /'pipe' .* named pipe/,
    );
  });

  test('too many entries, and too much content', async () => {
    using scratch = scratchFolder();
    source(scratch, (path) => writeFileSync(`${path}/more`, 'x'.repeat(2000)));
    const judge = (changed: Partial<typeof limits>) =>
      verdictOf(() => judgeFolder({ sourceDir: scratch.at('source'), rules, limits: { ...limits, ...changed } }));
    expect(await judge({ maxEntries: 2 })).toBe('ARCHIVE_TOO_MANY_ENTRIES');
    expect(await judge({ maxBytes: 2006 })).toBe('ARCHIVE_TOO_LARGE');
    expect(await judge({ maxEntries: 3, maxBytes: 2007 })).toBe('good');
  });

  test('a name that is not UTF-8 is refused', async () => {
    using scratch = scratchFolder();
    source(scratch, (path) => writeFileSync(Buffer.from(`${path}/d/caf\xe9`, 'latin1'), ''));
    const request = { sourceDir: scratch.at('source'), ...UNPACK_RULES };
    expect(await verdictOf(() => judgeFolder(request))).toBe('ARCHIVE_ENTRY_UNUSABLE');
    expect(await verdictOf(() => copyFolder({ ...request, archiveDir: scratch.at('archive') }))).toBe(
      'ARCHIVE_ENTRY_UNUSABLE',
    );
    expect(readdirSync(scratch.path)).toEqual(['source']);
  });
});

test('setuid, setgid and sticky bits are dropped whichever way a folder goes', async () => {
  using scratch = scratchFolder();
  source(scratch, (path) => {
    writeFileSync(`${path}/su`, 'x');
    chmodSync(`${path}/su`, 0o6755);
    chmodSync(`${path}/d`, 0o3775);
  });
  const request = { sourceDir: scratch.at('source'), ...UNPACK_RULES };
  await copyFolder({ ...request, archiveDir: scratch.at('copied') });
  const expected = treeOf(scratch.at('copied'));
  expect(expected).toMatchObject({ su: 'file 755 "x"', d: 'directory 775' });
  for (const bundleType of ['tar', 'tgz', 'zip'] as const) {
    const bundleFile = scratch.at(`bundle.${bundleType}`);
    await packBundle({ ...request, bundleFile, bundleType });
    await unpackBundle({ ...request, bundleFile, bundleType, archiveDir: scratch.at(bundleType) });
    expect(treeOf(scratch.at(bundleType))).toEqual(expected);
  }
});

test('a copy is the folder as it is: content, modes, times and links, without whose second names a file has', async () => {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('outside'));
  writeFileSync(scratch.at('outside/file'), 'outside', { mode: 0o604 });
  source(scratch, (path) => {
    writeFileSync(`${path}/large`, Buffer.alloc(700_000, 'slipway'), { mode: 0o640 });
    linkSync(`${path}/large`, `${path}/again`);
    symlinkSync('/etc/passwd', `${path}/l`);
    symlinkSync('../outside', `${path}/o`);
    symlinkSync('../outside/file', `${path}/f`);
    mkdirSync(`${path}/empty`, { mode: 0o750 });
  });
  const outside = treeOf(scratch.at('outside'), { times: true });
  await copyFolder({ sourceDir: scratch.at('source'), archiveDir: scratch.at('archive'), ...UNPACK_RULES });
  expect(treeOf(scratch.at('archive'), { times: true })).toEqual(treeOf(scratch.at('source'), { times: true }));
  expect(lstatSync(scratch.at('archive/again')).nlink).toBe(1);
  expect(treeOf(scratch.at('outside'), { times: true })).toEqual(outside);
});

test('a folder that a link replaces while it is read is not followed', async () => {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('secret'));
  writeFileSync(scratch.at('secret/key'), 'secret');
  source(scratch, (path) => symlinkSync('../../secret', `${path}/d/s`));
  await copyFolder({ sourceDir: scratch.at('source'), archiveDir: scratch.at('archive'), ...UNPACK_RULES });
  expect(readlinkSync(scratch.at('archive/d/s'))).toBe('../../secret');
  expect(Object.values(treeOf(scratch.at('archive'))).join()).not.toContain('secret"');
});

test('a folder cannot be copied into itself', async () => {
  using scratch = scratchFolder();
  source(scratch, () => undefined);
  const before = treeOf(scratch.path);
  const request = { sourceDir: scratch.at('source'), archiveDir: scratch.at('source/d/archive'), ...UNPACK_RULES };
  await expect(copyFolder(request)).rejects.toMatchObject({ code: 'ARCHIVE_CANNOT_READ' });
  expect(treeOf(scratch.path)).toEqual(before);
});

test('the rest of a copy that was cut off is replaced', async () => {
  using scratch = scratchFolder();
  source(scratch, () => undefined);
  cpSync(scratch.at('source'), scratch.at('archive-temp'), { recursive: true });
  writeFileSync(scratch.at('archive-temp/half'), '');
  await copyFolder({ sourceDir: scratch.at('source'), archiveDir: scratch.at('archive'), ...UNPACK_RULES });
  expect(treeOf(scratch.at('archive'))).toEqual(treeOf(scratch.at('source')));
  expect(readdirSync(scratch.path).sort()).toEqual(['archive', 'source']);
});
