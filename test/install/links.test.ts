/** Links of a revision are content: they come to the host as they are, and nothing is read or written through one, then or later. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import type { Permission } from '../../src/appspec/types.ts';
import { runInstall } from '../../src/install/install.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { describeIf } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const isRoot = process.getuid?.() === 0;

function install(scratch: ScratchFolder, name: string, overrides: Parameters<typeof installRequest>[2] = {}) {
  return runInstall(installContext(), installRequest(scratch.path, name, overrides));
}

/** A folder beside the site that no Install may touch. */
function outside(scratch: ScratchFolder): string {
  writeFiles(scratch.at('outside'), { secret: 's', 'ssh/keys': 'k' });
  return scratch.at('outside');
}

describe('a link of a revision comes to the host as it is:', () => {
  test.each([
    ['to a program of the host', '/usr/bin/python3'],
    ['to a folder of the host', '/etc'],
    ['out of the revision', '../../../outside'],
    ['to nothing', 'nowhere'],
    ['to a folder of the revision', 'lib'],
    ['to the folder that it lies in', '.'],
    ['to the folder above', '..'],
    ['to itself', 'link'],
  ])('%s', async (_, target) => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { 'venv/lib/a': 'a', 'venv/link': `->${target}` });
    await install(scratch, 'one');
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('one')));
    // Once more, over itself, and then gone with its revision.
    await install(scratch, 'one', { deploymentId: 'd-again' });
    expect(readlinkSync(scratch.at('site/venv/link'))).toBe(target);
    writeFiles(scratch.at('two'), { 'venv/lib/a': 'a' });
    await install(scratch, 'two');
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('two')));
  });

  test('a source that is a link is that link', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { python: '->/usr/bin/python3', etc: '->/etc', 'real/a': '', alias: '->real' });
    const files = ['python', 'etc', 'alias'].map((source) => ({ source, destination: scratch.at('site') }));
    await install(scratch, 'one', { appSpec: appSpecFor({ files }) });
    expect(treeOf(scratch.at('site'))).toEqual({
      alias: '-> real',
      etc: '-> /etc',
      python: '-> /usr/bin/python3',
    });
  });

  test.each(['etc/passwd', 'alias/a', 'alias/../alias/a', 'loop/x'])(
    'but no source is read through one: %s',
    async (source) => {
      using scratch = scratchFolder();
      writeFiles(scratch.at('one'), { etc: '->/etc', 'real/a': '', alias: '->real', loop: '->loop' });
      const appSpec = appSpecFor({ files: [{ source, destination: scratch.at('site') }] });
      await expect(install(scratch, 'one', { appSpec })).rejects.toThrow(
        /goes through the link \w+, and nothing is read/,
      );
      expect(readdirSync(scratch.path)).not.toContain('site');
    },
  );
});

describe('a link that an Install has brought is no way for a later one', () => {
  test('a folder takes the place of a link, and where the link led stays as it is', async () => {
    using scratch = scratchFolder();
    const beside = outside(scratch);
    const before = treeOf(beside, { times: true });
    for (const behavior of ['DISALLOW', 'OVERWRITE', 'RETAIN'] as const) {
      writeFiles(scratch.at(`${behavior}-1`), { x: `->${beside}` });
      writeFiles(scratch.at(`${behavior}-2`), {
        'x/secret': 'mine',
        'x/ssh/keys': 'mine',
        'x/ssh/new': 'n',
        'x/same': 's',
      });
      await install(scratch, `${behavior}-1`);
      await install(scratch, `${behavior}-2`, { fileExistsBehavior: behavior });
      expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at(`${behavior}-2`)));
      expect(treeOf(beside, { times: true })).toEqual(before);
    }
  });

  test('a link takes the place of a folder, and is followed by no removal', async () => {
    using scratch = scratchFolder();
    const beside = outside(scratch);
    const before = treeOf(beside, { times: true });
    writeFiles(scratch.at('one'), { 'x/secret': 'mine', 'x/ssh/keys': 'mine' });
    writeFiles(scratch.at('two'), { x: `->${beside}` });
    await install(scratch, 'one');
    await install(scratch, 'two');
    expect(readlinkSync(scratch.at('site/x'))).toBe(beside);
    expect(treeOf(beside, { times: true })).toEqual(before);
    await install(scratch, 'one', { deploymentId: 'd-back' });
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('one')));
    expect(treeOf(beside, { times: true })).toEqual(before);
  });

  test('an Install of the same group goes through no link, though the link is protected', async () => {
    using scratch = scratchFolder();
    const beside = outside(scratch);
    writeFiles(scratch.at('one'), { x: `->${beside}` });
    writeFiles(scratch.at('two'), { 'x/secret': 'mine' });
    await install(scratch, 'one');
    const protectPaths = [scratch.at('site/x')];
    await expect(install(scratch, 'two', { protectPaths })).rejects.toThrow('nothing is written through it');
    expect(readFileSync(`${beside}/secret`, 'utf8')).toBe('s');
  });

  test.each(['site', 'way/site'])('of another group, whose destination is below it, in %s', async (where) => {
    using scratch = scratchFolder();
    const beside = outside(scratch);
    const before = treeOf(beside, { times: true });
    symlinkSync(scratch.path, scratch.at('way'));
    writeFiles(scratch.at('one'), { x: `->${beside}` });
    writeFiles(scratch.at('two'), { secret: 'mine' });
    await install(scratch, 'one');
    const appSpec = appSpecFor({ files: [{ source: '', destination: scratch.at(where, 'x/ssh') }] });
    const other = { appSpec, deploymentGroupId: 'other', fileExistsBehavior: 'OVERWRITE' } as const;
    await expect(install(scratch, 'two', other)).rejects.toThrow(
      'a revision of the deployment group group has brought',
    );
    expect(treeOf(beside, { times: true })).toEqual(before);
  });

  test('an Install goes through no link of its own revision, whichever comes first', async () => {
    using scratch = scratchFolder();
    const beside = outside(scratch);
    writeFiles(scratch.at('one'), { 'a/x': `->${beside}`, 'b/secret': 'mine' });
    const files = [
      { source: 'a', destination: scratch.at('site') },
      { source: 'b', destination: scratch.at('site/x') },
    ];
    for (const inOrder of [files, files.toReversed()]) {
      await expect(install(scratch, 'one', { appSpec: appSpecFor({ files: inOrder }) })).rejects.toThrow(
        /also a (folder|file)/,
      );
    }
    expect(readFileSync(`${beside}/secret`, 'utf8')).toBe('s');
  });
});

describeIf(isRoot, 'root')('permissions of an AppSpec file', () => {
  const usual: Permission = {
    object: '',
    pattern: '**',
    except: [],
    types: ['file', 'directory'],
    owner: null,
    group: null,
    mode: null,
    acls: null,
    context: null,
  };
  const ids = { userId: () => 12, groupId: () => 13 };

  test.each(['site', 'site/l'])(
    'on %s change a link’s owner at the most, and nothing where it leads',
    async (object) => {
      using scratch = scratchFolder();
      const beside = outside(scratch);
      chmodSync(`${beside}/secret`, 0o600);
      chmodSync(beside, 0o700);
      writeFiles(scratch.at('one'), { l: `->${beside}`, m: `->${beside}/secret`, f: 'f' });
      const permissions = [{ ...usual, object: scratch.at(object), mode: '777', owner: 'u', group: 'g' }];
      const appSpec = appSpecFor({ files: [{ source: '', destination: scratch.at('site') }], permissions });
      const request = installRequest(scratch.path, 'one', { appSpec });
      await runInstall({ ...installContext(), ids }, request);
      await runInstall({ ...installContext(), ids }, { ...request, deploymentId: 'd-again' });
      expect(lstatSync(scratch.at('site/l')).uid).toBe(12);
      for (const [path, mode] of [
        [beside, 0o700],
        [`${beside}/secret`, 0o600],
      ] as const) {
        const { uid, gid, mode: found } = lstatSync(path);
        expect([uid, gid, found & 0o777]).toEqual([0, 0, mode]);
      }
    },
  );

  test('reach nothing through a link: an object below one is none of the revision’s', async () => {
    using scratch = scratchFolder();
    const beside = outside(scratch);
    chmodSync(`${beside}/secret`, 0o600);
    writeFiles(scratch.at('one'), { l: `->${beside}`, f: 'f' });
    const permissions = ['l/secret', 'l/ssh'].map((name) => ({
      ...usual,
      object: scratch.at('site', name),
      mode: '777',
    }));
    const appSpec = appSpecFor({ files: [{ source: '', destination: scratch.at('site') }], permissions });
    await install(scratch, 'one', { appSpec });
    expect(lstatSync(`${beside}/secret`).mode & 0o777).toBe(0o600);
    expect(lstatSync(`${beside}/ssh/keys`).mode & 0o111).toBe(0);
  });
});

test('an Install that fails takes back links as links, and leaves alone where they lead', async () => {
  using scratch = scratchFolder();
  const beside = outside(scratch);
  const before = treeOf(beside, { times: true });
  writeFiles(scratch.at('one'), { x: `->${beside}`, 'y/secret': 'mine' });
  writeFiles(scratch.at('two'), { 'x/secret': 'mine', y: `->${beside}`, z: 'z' });
  await install(scratch, 'one');
  const site = treeOf(scratch.at('site'), { times: true });
  const ctx = installContext();
  let hasFailed = false;
  // The last thing that is put in place.
  const fs = {
    ...ctx.fs,
    renameSync: (from: string, to: string) => {
      if (to.endsWith('_last_successful_install') && !hasFailed) {
        hasFailed = true;
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      }
      ctx.fs.renameSync(from, to);
    },
  } as typeof ctx.fs;
  await expect(runInstall({ ...ctx, fs }, installRequest(scratch.path, 'two'))).rejects.toThrow('EIO');
  expect(treeOf(scratch.at('site'), { times: true })).toEqual(site);
  expect(treeOf(beside, { times: true })).toEqual(before);
});

test('a virtual environment and node_modules, with programs and workspaces as links, are there as they were built', async () => {
  using scratch = scratchFolder();
  const venv = scratch.at('one/venv');
  mkdirSync(`${venv}/bin`, { recursive: true });
  writeFiles(scratch.at('one'), {
    'venv/lib/python3/site.py': '',
    'venv/lib64': '->lib',
    'venv/bin/python3': '->/usr/bin/env',
    'venv/bin/python': '->python3',
    'packages/app/node_modules/app': '->..',
    'node_modules/app': '->../packages/app',
    'node_modules/.pnpm/a@1/node_modules/b': '->../../b@1/node_modules/b',
    'node_modules/.pnpm/b@1/node_modules/b/index.js': '',
    'node_modules/.pnpm/b@1/node_modules/a': '->../../a@1/node_modules/a',
    'node_modules/.bin/tool': '->../.pnpm/b@1/node_modules/b/index.js',
  });
  await install(scratch, 'one');
  expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('one')));
  const { stdout } = await execa(scratch.at('site/venv/bin/python'), ['printf', 'it runs']);
  expect(stdout).toBe('it runs');
});
