/** One file in the records of two deployment groups, and what each file-exists behaviour makes of it. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type InstallRequest, runInstall } from '../../src/install/install.ts';
import { appSpecFor, type Files, installContext, installRequest, writeFiles } from '../support/install.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

/** Installs `archive` for a group. */
function install(scratch: ScratchFolder, group: string, archive: string, overrides: Partial<InstallRequest> = {}) {
  return runInstall(
    installContext(),
    installRequest(scratch.path, archive, {
      deploymentGroupId: group,
      deploymentId: `d-${group}-${archive}`,
      nameOfGroup: (id) => `Shop/${id} (${id})`,
      ...overrides,
    }),
  );
}

const overwrite = { fileExistsBehavior: 'OVERWRITE' } as const;

function recordOf(scratch: ScratchFolder, group: string): string[] {
  return readFileSync(scratch.at('instructions', `${group}-cleanup`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace(`${scratch.path}/`, ''));
}

/** A host on which `first` has installed `one`. */
async function hostWith(scratch: ScratchFolder, one: Files): Promise<void> {
  writeFiles(scratch.at('one'), one);
  await install(scratch, 'first', 'one');
}

describe('OVERWRITE of what another group has installed', () => {
  test.each<[string, Files, Files]>([
    ['a file that differs', { a: '1' }, { a: '2' }],
    ['a file that holds the same', { a: '1' }, { a: '1' }],
    ['a link', { a: '->b', b: 'b' }, { a: '->c' }],
    ['a link that leads nowhere', { a: '->nowhere' }, { a: '2' }],
    ['a file with a line break and blanks in its name', { ' a\nb ': '1' }, { ' a\nb ': '2' }],
    ['a file where a folder comes', { a: '1' }, { 'a/b/c': '2' }],
    ['a folder where a file comes', { 'a/b/c': '1', 'a/d': '1' }, { a: '2' }],
    ['a folder where a link comes', { 'a/b': '1' }, { a: '->c' }],
    ['everything', { a: '1', 'b/c': '1', d: '->a' }, { a: '2', 'b/c': '2', d: '->x' }],
  ])('takes over %s, and the first group’s next Install leaves it alone', async (_, one, two) => {
    using scratch = scratchFolder();
    await hostWith(scratch, { ...one, own: 'o' });
    writeFiles(scratch.at('two'), two);
    const { takenOver } = await install(scratch, 'second', 'two', overwrite);
    expect(takenOver.length).toBeGreaterThan(0);
    expect(takenOver[0]).toMatchObject({ groupId: 'first', groupName: 'Shop/first (first)' });
    expect(treeOf(scratch.at('site'))).toMatchObject(treeOf(scratch.at('two')));
    const claimed = recordOf(scratch, 'second');
    expect(recordOf(scratch, 'first').filter((path) => claimed.includes(path))).toEqual([]);

    mkdirSync(scratch.at('three'));
    expect(await install(scratch, 'first', 'three', { appSpec: appSpecFor({}) })).toMatchObject({ saved: 0 });
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('two')));
    // And what was taken over goes with the group that it belongs to now.
    await install(scratch, 'second', 'three', { appSpec: appSpecFor({}) });
    expect(existsSync(scratch.at('site', Object.keys(two)[0] ?? ''))).toBe(false);
  });

  test('can be undone the same way: the first group takes its file back', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1' });
    writeFiles(scratch.at('two'), { a: '2' });
    await install(scratch, 'second', 'two', overwrite);
    // The old manifest of the first group says nothing of a file that is not its own any more.
    expect(await install(scratch, 'first', 'one', overwrite)).toMatchObject({ saved: 0, takenOver: [{}] });
    expect(recordOf(scratch, 'second')).not.toContain('site/a');
    expect(readFileSync(scratch.at('site/a'), 'utf8')).toBe('1');
  });

  test('takes a file from each of several groups', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1' });
    writeFiles(scratch.at('two'), { b: '2' });
    await install(scratch, 'second', 'two');
    writeFiles(scratch.at('three'), { a: '3', b: '3' });
    const { takenOver } = await install(scratch, 'third', 'three', overwrite);
    expect(takenOver.map(({ groupId }) => groupId)).toEqual(['first', 'second']);
    expect(recordOf(scratch, 'first')).toEqual(['site']);
    expect(recordOf(scratch, 'second')).toEqual([]);
  });

  test('knows a file by its place, also where one of the two groups comes to it through a link', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('real'));
    symlinkSync(scratch.at('real'), scratch.at('site'));
    await hostWith(scratch, { a: '1' });
    const appSpec = appSpecFor({ files: [{ source: '', destination: scratch.at('real') }] });
    await expect(install(scratch, 'second', 'one', { appSpec })).rejects.toThrow('Shop/first (first)');
    await install(scratch, 'second', 'one', { appSpec, ...overwrite });
    mkdirSync(scratch.at('three'));
    await install(scratch, 'first', 'three', { appSpec: appSpecFor({}) });
    expect(readFileSync(scratch.at('real/a'), 'utf8')).toBe('1');
  });

  test('is undone with the whole Install when the disk refuses: both records are as before', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1', b: '1' });
    writeFiles(scratch.at('two'), { a: '2', b: '2' });
    const before = { site: treeOf(scratch.at('site'), { times: true }), books: treeOf(scratch.at('instructions')) };
    const { fs } = installContext();
    let renames = 0;
    const ctx = installContext({
      ...fs,
      renameSync: (from, to) => {
        renames += 1;
        if (renames === 3) throw Object.assign(new Error('EIO: injected'), { code: 'EIO' });
        fs.renameSync(from, to);
      },
    });
    const request = installRequest(scratch.path, 'two', { deploymentGroupId: 'second', ...overwrite });
    await expect(runInstall(ctx, request)).rejects.toMatchObject({ code: 'INSTALL_FAILED' });
    const after = { site: treeOf(scratch.at('site'), { times: true }), books: treeOf(scratch.at('instructions')) };
    expect(after).toEqual(before);
  });
});

describe('DISALLOW of what another group has installed', () => {
  test.each<[string, Files, Files]>([
    ['a file that differs', { a: '1' }, { a: '2' }],
    ['a file that holds the same', { a: '1' }, { a: '1' }],
    ['a link that leads nowhere', { a: '->nowhere' }, { a: '2' }],
    ['a file where a folder comes', { a: '1' }, { 'a/b': '2' }],
  ])('refuses %s, and names application, group and what helps', async (_, one, two) => {
    using scratch = scratchFolder();
    await hostWith(scratch, one);
    writeFiles(scratch.at('two'), two);
    const before = treeOf(scratch.path);
    await expect(install(scratch, 'second', 'two')).rejects.toMatchObject({
      code: 'INSTALL_IMPOSSIBLE',
      message: expect.stringContaining('belongs to the deployment group Shop/first (first)'),
      remedy: expect.stringMatching(/^Deploy this revision to the group that .* OVERWRITE, which takes them over/),
    });
    expect(treeOf(scratch.path)).toEqual(before);
  });

  test('says that the AppSpec file has to change where that is what forbids it', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1' });
    const appSpec = appSpecFor({
      fileExistsBehavior: 'DISALLOW',
      files: [{ source: '', destination: scratch.at('site') }],
    });
    await expect(install(scratch, 'second', 'one', { appSpec, ...overwrite })).rejects.toMatchObject({
      remedy: expect.stringContaining('set file_exists_behavior: OVERWRITE in the AppSpec file'),
    });
  });
});

describe('RETAIN of what another group has installed', () => {
  test('keeps the file, and it stays the other group’s', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1' });
    writeFiles(scratch.at('two'), { a: '2', b: '2' });
    expect(await install(scratch, 'second', 'two', { fileExistsBehavior: 'RETAIN' })).toMatchObject({
      kept: 1,
      takenOver: [],
    });
    expect(readFileSync(scratch.at('site/a'), 'utf8')).toBe('1');
    expect(recordOf(scratch, 'first')).toContain('site/a');
  });
});

describe('a record of another group', () => {
  test('holds nothing up for a file that is gone, whatever the behaviour is, and gives it up', async () => {
    for (const fileExistsBehavior of ['DISALLOW', 'OVERWRITE', 'RETAIN'] as const) {
      using scratch = scratchFolder();
      await hostWith(scratch, { a: '1', 'b/c': '1' });
      rmSync(scratch.at('site'), { recursive: true });
      expect(await install(scratch, 'second', 'one', { fileExistsBehavior })).toMatchObject({
        files: 2,
        takenOver: [],
      });
      expect(recordOf(scratch, 'first')).toEqual([]);
    }
  });

  test('holds nothing up for a file that another hand has replaced with what the revision brings', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1' });
    writeFiles(scratch.at('two'), { a: '2' });
    const { atime, mtime } = statSync(scratch.at('site/a'));
    writeFileSync(scratch.at('site/a'), '2');
    // Size and time of the first group’s file, so that only the content tells.
    utimesSync(scratch.at('site/a'), atime, mtime);
    expect(await install(scratch, 'second', 'two')).toMatchObject({ kept: 1 });
    mkdirSync(scratch.at('three'));
    await install(scratch, 'first', 'three', { appSpec: appSpecFor({}) });
    expect(readFileSync(scratch.at('site/a'), 'utf8')).toBe('2');
  });

  test('is not taken from while that group’s Install cannot be put right, and the error says so', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1' });
    writeFileSync(scratch.at('instructions/first-install.journal'), 'cut off');
    await expect(install(scratch, 'second', 'one', overwrite)).rejects.toMatchObject({
      message: expect.stringContaining('whose last Install was cut off'),
      remedy: expect.stringContaining('Remove what keeps that group’s Install from being put right'),
    });
  });

  test('a record of another group that others may write claims nothing', async () => {
    using scratch = scratchFolder();
    await hostWith(scratch, { a: '1' });
    chmodSync(scratch.at('instructions/first-cleanup'), 0o666);
    await expect(install(scratch, 'second', 'one')).resolves.toMatchObject({ kept: 1 });
  });
});

describe('a folder in a file’s place', () => {
  test('is replaced with OVERWRITE when it is empty, and that is what the error advises without', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: '1' });
    mkdirSync(scratch.at('site/a'), { recursive: true });
    for (const fileExistsBehavior of ['DISALLOW', 'RETAIN'] as const) {
      await expect(install(scratch, 'first', 'one', { fileExistsBehavior })).rejects.toMatchObject({
        message: expect.stringContaining('site/a must be a file, but an empty folder is there'),
        remedy: expect.stringContaining('OVERWRITE, which replaces it'),
      });
    }
    await install(scratch, 'first', 'one', overwrite);
    expect(readFileSync(scratch.at('site/a'), 'utf8')).toBe('1');
  });

  test.each(['DISALLOW', 'OVERWRITE', 'RETAIN'] as const)(
    'is left alone with %s when something of another hand is in it, and OVERWRITE is not advised',
    async (fileExistsBehavior) => {
      using scratch = scratchFolder();
      await hostWith(scratch, { 'a/b': '1' });
      writeFiles(scratch.at('site/a'), { mine: 'm' });
      writeFiles(scratch.at('two'), { a: '2' });
      const failure = install(scratch, 'second', 'two', { fileExistsBehavior });
      await expect(failure).rejects.toMatchObject({
        message: expect.stringContaining('a folder is there that holds something'),
        remedy: expect.stringMatching(/^Move what is in the way elsewhere/),
      });
      await expect(failure).rejects.not.toMatchObject({ remedy: expect.stringMatching(/(with|set).*OVERWRITE/) });
      expect(readFileSync(scratch.at('site/a/mine'), 'utf8')).toBe('m');
    },
  );
});

describe('the remedy of a plan that cannot be', () => {
  test.each<[string, Partial<InstallRequest>, RegExp]>([
    [
      'a missing source',
      { appSpec: appSpecFor({ files: [{ source: 'nothing', destination: '/srv/x' }] }) },
      /^Put the source into the bundle/,
    ],
    [
      'an unknown owner',
      {
        appSpec: appSpecFor({
          files: [{ source: 'a', destination: '/srv/x' }],
          permissions: [
            {
              object: '/srv/x/a',
              pattern: '**',
              except: [],
              types: ['file'],
              owner: 'nobody-knows',
              group: null,
              mode: null,
              acls: null,
              context: null,
            },
          ],
        }),
      },
      /^Make the user or group on this host/,
    ],
  ])('speaks of %s and not of files of another hand', async (_, overrides, remedy) => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'a' });
    const failure = install(scratch, 'first', 'one', overrides);
    await expect(failure).rejects.toMatchObject({ remedy: expect.stringMatching(remedy) });
    await expect(failure).rejects.not.toMatchObject({ remedy: expect.stringContaining('OVERWRITE') });
  });

  test('names what is nearly called like a missing source', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { 'Dist/x': 'x' });
    const appSpec = appSpecFor({ files: [{ source: 'dist', destination: '/srv/x' }] });
    await expect(install(scratch, 'first', 'one', { appSpec })).rejects.toThrow("did you mean 'Dist'?");
  });
});
