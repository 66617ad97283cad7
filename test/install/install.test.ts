import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import { diskError, watchedFs } from '../support/failing-fs.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { testIf, testWith } from '../support/needs.ts';
import { scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

describe('a first install', () => {
  test('puts every file, folder and link in place and writes down what it did', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), {
      'a.txt': 'a',
      'deep/er/b.txt': 'b',
      '.hidden': 'h',
      link: '->a.txt',
      'new\nline': 'n',
    });
    chmodSync(scratch.at('one', 'a.txt'), 0o640);
    const report = await runInstall(installContext(), installRequest(scratch.path, 'one'));

    expect(report).toEqual({ files: 5, unchanged: 0, removed: 0, kept: 0, saved: 0, takenOver: [] });
    expect(treeOf(scratch.at('site'), { times: false })).toEqual(treeOf(scratch.at('one')));
    expect(statSync(scratch.at('site', 'a.txt')).mtimeMs).toBeCloseTo(statSync(scratch.at('one', 'a.txt')).mtimeMs, 0);
    expect(readFileSync(scratch.at('instructions', 'group_last_successful_install'), 'utf8')).toBe(
      scratch.at('deployments', 'one'),
    );
    expect(readFileSync(scratch.at('instructions', 'group-cleanup'), 'utf8').split('\n').slice(0, 3)).toEqual([
      scratch.at('site'),
      scratch.at('site', 'deep'),
      scratch.at('site', 'deep', 'er'),
    ]);
    const { instructions } = JSON.parse(readFileSync(scratch.at('instructions', 'group-install.json'), 'utf8')) as {
      instructions: unknown[];
    };
    expect(instructions[0]).toEqual({ type: 'mkdir', directory: scratch.at('site') });
    expect(instructions).toContainEqual({
      type: 'copy',
      source: scratch.at('one', 'a.txt'),
      destination: scratch.at('site', 'a.txt'),
    });
    expect(readdirSync(scratch.at('instructions')).sort()).toEqual([
      'group-cleanup',
      'group-install.json',
      'group-manifest',
      'group_last_successful_install',
    ]);
  });

  test('a single file goes into the destination under its own name', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { 'conf/web.conf': 'x' });
    const appSpec = appSpecFor({ files: [{ source: 'conf/web.conf', destination: scratch.at('etc') }] });
    await runInstall(installContext(), installRequest(scratch.path, 'one', { appSpec }));
    expect(readFileSync(scratch.at('etc', 'web.conf'), 'utf8')).toBe('x');
  });
});

describe('the next install', () => {
  test('replaces, adds and removes, and leaves alone what is not its own', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), {
      same: 's',
      changed: '1',
      gone: 'x',
      'folder/gone': 'x',
      'kept-folder/gone': 'x',
      becomesFolder: 'f',
      'becomesFile/x': 'x',
    });
    writeFiles(scratch.at('two'), {
      same: 's',
      changed: '2',
      added: 'a',
      'becomesFolder/inner': 'i',
      becomesFile: 'f',
    });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    writeFileSync(scratch.at('site', 'kept-folder', 'by-hand'), 'mine');

    const report = await runInstall(installContext(), installRequest(scratch.path, 'two'));

    expect(report.removed).toBeGreaterThan(0);
    expect(treeOf(scratch.at('site'))).toEqual({
      ...treeOf(scratch.at('two')),
      'kept-folder': 'directory 755',
      'kept-folder/by-hand': 'file 644 "mine"',
    });
  });

  test('writes only what differs, and keeps a copy of what another hand has changed', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { same: 's', touched: 't', changed: '1', gone: 'x' });
    writeFiles(scratch.at('two'), { same: 's', touched: 't', changed: '2' });
    chmodSync(scratch.at('two', 'same'), 0o600);
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    const inode = statSync(scratch.at('site', 'same')).ino;
    writeFileSync(scratch.at('site', 'changed'), 'by hand');
    writeFileSync(scratch.at('site', 'gone'), 'by hand too');

    const report = await runInstall(installContext(), installRequest(scratch.path, 'two'));

    expect(report).toEqual({ files: 1, unchanged: 2, removed: 1, kept: 0, saved: 2, takenOver: [] });
    expect(statSync(scratch.at('site', 'same')).ino).toBe(inode);
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('two')));
    const saved = scratch.at('deployments', 'two', 'saved-files');
    expect(treeOf(`${saved}${scratch.at('site')}`)).toEqual({
      changed: 'file 600 "by hand"',
      gone: 'file 600 "by hand too"',
    });
  });

  test('notices a change that keeps size and time, also after an Install that was rolled back', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { sly: 'old', chmod: 'old', linked: 'old', plain: 'old' });
    writeFiles(scratch.at('two'), { sly: 'new', chmod: 'new', linked: 'new', plain: 'new' });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    const { atimeMs, mtimeMs } = statSync(scratch.at('site', 'sly'));
    writeFileSync(scratch.at('site', 'sly'), 'SLY');
    utimesSync(scratch.at('site', 'sly'), atimeMs / 1000, mtimeMs / 1000);
    // These change the time of change, and nothing that is worth a copy.
    chmodSync(scratch.at('site', 'chmod'), 0o600);
    linkSync(scratch.at('site', 'linked'), scratch.at('second-name'));
    const { fs } = watchedFs((_, name, [path]) => {
      if (name === 'renameSync' && String(path).includes('.slipway-d-two-4.new')) throw diskError('EIO');
    });
    await expect(runInstall(installContext(fs), installRequest(scratch.path, 'two'))).rejects.toThrow('EIO');

    expect(await runInstall(installContext(), installRequest(scratch.path, 'two'))).toMatchObject({ saved: 1 });
    const saved = `${scratch.at('deployments', 'two', 'saved-files')}${scratch.at('site')}`;
    expect(treeOf(saved)).toEqual({ sly: 'file 600 "SLY"' });
  });

  test('keeps a copy of what may have been changed when the old revision is gone', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { sly: 'old', plain: 'old' });
    writeFiles(scratch.at('two'), { sly: 'new', plain: 'new' });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    rmSync(scratch.at('one'), { recursive: true });
    const { atimeMs, mtimeMs } = statSync(scratch.at('site', 'sly'));
    writeFileSync(scratch.at('site', 'sly'), 'SLY');
    utimesSync(scratch.at('site', 'sly'), atimeMs / 1000, mtimeMs / 1000);
    await runInstall(installContext(), installRequest(scratch.path, 'two'));
    const saved = `${scratch.at('deployments', 'two', 'saved-files')}${scratch.at('site')}`;
    expect(treeOf(saved)).toHaveProperty('sly', 'file 600 "SLY"');
  });

  test('neither overwrites nor removes what is protected, and gives it back when it is not protected any more', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { 'conf/a': '1', 'conf/b': '1', other: '1' });
    writeFiles(scratch.at('two'), { 'conf/a': '2', other: '2' });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    const protectPaths = [`${scratch.path}/**/conf`];
    await runInstall(installContext(), installRequest(scratch.path, 'two', { protectPaths }));
    expect(treeOf(scratch.at('site'))).toEqual({
      conf: 'directory 755',
      'conf/a': 'file 644 "1"',
      'conf/b': 'file 644 "1"',
      other: 'file 644 "2"',
    });
    await runInstall(installContext(), installRequest(scratch.path, 'two'));
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('two')));
  });

  test('takes away files with blanks, line breaks and backslashes in their names', async () => {
    using scratch = scratchFolder();
    const files = { ' blank ': '1', 'new\nline': '2', 'back\\slash\\n': '3', 'tab\t': '4' };
    writeFiles(scratch.at('one'), files);
    writeFiles(scratch.at('two'), { kept: 'k' });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    expect(readdirSync(scratch.at('site')).sort()).toEqual(Object.keys(files).sort());
    await runInstall(installContext(), installRequest(scratch.path, 'two'));
    expect(readdirSync(scratch.at('site'))).toEqual(['kept']);
  });

  test('an Install of nothing takes everything away, the folder included', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'a', 'b/c': 'c' });
    mkdirSync(scratch.at('two'));
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    await runInstall(installContext(), installRequest(scratch.path, 'two', { appSpec: appSpecFor({}) }));
    expect(existsSync(scratch.at('site'))).toBe(false);
  });

  test('does not believe a cleanup file that others may write', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'a' });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    writeFileSync(scratch.at('precious'), 'x');
    writeFileSync(scratch.at('instructions', 'group-cleanup'), `${scratch.at('precious')}\n`);
    chmodSync(scratch.at('instructions', 'group-cleanup'), 0o666);
    const request = installRequest(scratch.path, 'one', { fileExistsBehavior: 'OVERWRITE' });
    await runInstall(installContext(), request);
    expect(existsSync(scratch.at('precious'))).toBe(true);
  });

  testIf(process.getuid?.() === 0, 'root')(
    'has nothing to write below a folder with setgid, where files keep the group of the revision',
    async () => {
      using scratch = scratchFolder();
      writeFiles(scratch.at('one'), { a: 'a', 'deep/b': 'b', 'deep/foreign': 'c', link: '->a' });
      chownSync(scratch.at('one/deep/foreign'), 1234, 2345);
      mkdirSync(scratch.at('site'));
      chownSync(scratch.at('site'), 0, 4321);
      chmodSync(scratch.at('site'), 0o2775);
      await runInstall(installContext(), installRequest(scratch.path, 'one'));
      const groups = ['a', 'deep/b', 'deep/foreign', 'link'].map((name) => lstatSync(scratch.at('site', name)).gid);
      expect(groups).toEqual([0, 0, 2345, 0]);
      // A new folder is as the system makes it there.
      expect(statSync(scratch.at('site/deep'))).toMatchObject({ mode: 0o42755, gid: 4321 });
      const again = installRequest(scratch.path, 'one', { deploymentId: 'd-again' });
      expect(await runInstall(installContext(), again)).toMatchObject({ files: 0, unchanged: 4 });
    },
  );
});

describe('files of another hand', () => {
  test('are all named before anything is touched', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: '1', b: '2', c: '3', new: 'n' });
    writeFiles(scratch.at('site'), { a: 'mine', b: 'mine' });
    const before = treeOf(scratch.path, { times: true });
    const failure = runInstall(installContext(), installRequest(scratch.path, 'one'));
    await expect(failure).rejects.toMatchObject({ code: 'INSTALL_IMPOSSIBLE' });
    await expect(failure).rejects.toThrow(/site\/a exists already.*site\/b exists already/);
    expect(treeOf(scratch.path, { times: true })).toEqual({ ...before, instructions: expect.any(String) });
  });

  test('files of another hand that hold the same are no conflict, and stay', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'same', link: '->a' });
    writeFiles(scratch.at('site'), { a: 'same', link: '->a' });
    expect(await runInstall(installContext(), installRequest(scratch.path, 'one'))).toMatchObject({
      kept: 2,
      files: 0,
    });
  });

  test('are replaced with OVERWRITE, a link as itself', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'new', b: 'new' });
    writeFiles(scratch.at('site'), { a: 'old', b: `->${scratch.at('elsewhere')}` });
    writeFileSync(scratch.at('elsewhere'), 'untouched');
    await runInstall(installContext(), installRequest(scratch.path, 'one', { fileExistsBehavior: 'OVERWRITE' }));
    expect(readFileSync(scratch.at('site', 'b'), 'utf8')).toBe('new');
    expect(readFileSync(scratch.at('elsewhere'), 'utf8')).toBe('untouched');
  });

  test('stay with RETAIN, and later installs do not remove them', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'new', b: 'new' });
    writeFiles(scratch.at('site'), { a: 'mine' });
    const appSpec = appSpecFor({
      fileExistsBehavior: 'RETAIN',
      files: [{ source: '', destination: scratch.at('site') }],
    });
    await runInstall(installContext(), installRequest(scratch.path, 'one', { appSpec }));
    expect(treeOf(scratch.at('site'))).toEqual({ a: 'file 644 "mine"', b: 'file 644 "new"' });
    await runInstall(installContext(), installRequest(scratch.path, 'one', { appSpec: appSpecFor({}) }));
    expect(treeOf(scratch.at('site'))).toEqual({ a: 'file 644 "mine"' });
  });
});

describe('what cannot be installed', () => {
  test.each([
    ['a source that is missing', { files: [{ source: 'nothing', destination: '/srv/x' }] }, 'is not in the revision'],
    [
      'two sources for one file',
      {
        files: [
          { source: 'a', destination: '/srv/x' },
          { source: 'sub/a', destination: '/srv/x' },
        ],
      },
      'would come from',
    ],
    [
      'an owner who does not exist',
      { files: [{ source: 'a', destination: '/srv/x' }], permissions: [{ object: '/srv/x/a', owner: 'nobody-knows' }] },
      "the user 'nobody-knows'",
    ],
    ['a destination that climbs', { files: [{ source: 'a', destination: '/srv/../etc' }] }, "climbs with '..'"],
    [
      'permissions that are set twice',
      {
        files: [{ source: 'a', destination: '/srv/x' }],
        permissions: [{ object: '/srv/x/a' }, { object: '/srv/x', pattern: 'a' }],
      },
      'set twice',
    ],
  ])('%s', async (_, spec, message) => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'a', 'sub/a': 'a' });
    const usual = {
      pattern: '**',
      except: [],
      types: ['file', 'directory'] as const,
      owner: null,
      group: null,
      mode: null,
      acls: null,
      context: null,
    };
    const permissions = ('permissions' in spec ? (spec.permissions ?? []) : []).map((permission) => ({
      ...usual,
      ...permission,
    }));
    const request = installRequest(scratch.path, 'one', { appSpec: appSpecFor({ ...spec, permissions }) });
    await expect(runInstall(installContext(), request)).rejects.toThrow(message);
  });

  test('a file where a folder must be', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { 'a/b': 'b' });
    writeFiles(scratch.at('site'), { a: 'file' });
    await expect(runInstall(installContext(), installRequest(scratch.path, 'one'))).rejects.toThrow('must be a folder');
  });
});

describe('permissions', () => {
  const usual = {
    pattern: '**',
    except: [],
    types: ['file', 'directory'] as const,
    owner: null,
    group: null,
    mode: null,
    acls: null,
    context: null,
  };

  test('modes go to files and folders below the object, never to the object itself', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { 'a.sh': 'a', 'b.txt': 'b', 'sub/c.sh': 'c' });
    const permissions = [
      { ...usual, object: scratch.at('site'), pattern: '*.sh', types: ['file'] as const, mode: '750' },
      { ...usual, object: scratch.at('site'), types: ['directory'] as const, mode: '700' },
      { ...usual, object: scratch.at('site', 'sub', 'c.sh'), mode: '4755' },
    ];
    const appSpec = appSpecFor({ files: [{ source: '', destination: scratch.at('site') }], permissions });
    await runInstall(installContext(), installRequest(scratch.path, 'one', { appSpec }));
    const modes = Object.fromEntries(
      Object.entries(treeOf(scratch.at('site'))).map(([path, text]) => [path, text.split(' ')[1]]),
    );
    expect(modes).toEqual({ 'a.sh': '750', 'b.txt': '644', sub: '700', 'sub/c.sh': '4755' });
    expect(statSync(scratch.at('site')).mode & 0o777).toBe(0o755);
  });

  testIf(process.getuid?.() === 0, 'root')('an owner does not cost the setuid bit', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'a' });
    const permissions = [{ ...usual, object: scratch.at('site', 'a'), owner: 'daemon', group: 'daemon', mode: '4755' }];
    const appSpec = appSpecFor({ files: [{ source: '', destination: scratch.at('site') }], permissions });
    const ids = { userId: () => 1, groupId: () => 1 };
    await runInstall({ ...installContext(), ids }, installRequest(scratch.path, 'one', { appSpec }));
    const stats = statSync(scratch.at('site', 'a'));
    expect([stats.uid, stats.gid, (stats.mode & 0o7777).toString(8)]).toEqual([1, 1, '4755']);
  });

  testWith('setfacl', 'getfacl')('ACLs are set by the real setfacl, base entries and mask included', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'a' });
    const permissions = [{ ...usual, object: scratch.at('site', 'a'), mode: '640', acls: ['user:root:rw-'] }];
    const appSpec = appSpecFor({ files: [{ source: '', destination: scratch.at('site') }], permissions });
    await runInstall(installContext(), installRequest(scratch.path, 'one', { appSpec }));
    const { stdout } = await execa('getfacl', [
      '--omit-header',
      '--absolute-names',
      '--numeric',
      scratch.at('site', 'a'),
    ]);
    expect(
      stdout
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => line.split('\t')[0]),
    ).toEqual(['user::rw-', 'user:0:rw-', 'group::r--', 'mask::r--', 'other::---']);
  });
});

describe('a disk that refuses', () => {
  /** Two revisions that differ in every way, and the state of the disk before the second is installed. */
  async function prepared(root: string) {
    writeFiles(`${root}/one`, {
      same: 's',
      changed: '1',
      'gone/x': 'x',
      becomesFolder: 'f',
      'becomesFile/x': 'x',
      link: '->same',
    });
    writeFiles(`${root}/two`, {
      same: 's',
      changed: '2',
      'new/deep/y': 'y',
      'becomesFolder/i': 'i',
      becomesFile: 'f',
      link: '->changed',
    });
    await runInstall(installContext(), installRequest(root, 'one'));
    writeFileSync(`${root}/site/by-hand`, 'mine');
  }
  const visible = (root: string) => ({
    site: treeOf(`${root}/site`, { times: true }),
    books: treeOf(`${root}/instructions`),
  });

  test('at any call: the old tree is back exactly, and the next install works', async () => {
    using counting = scratchFolder();
    await prepared(counting.path);
    const counted = watchedFs(() => {});
    await runInstall(installContext(counted.fs), installRequest(counting.path, 'two'));
    const total = counted.calls();
    expect(total).toBeGreaterThan(40);

    for (let failing = 1; failing <= total; failing += 1) {
      using scratch = scratchFolder();
      await prepared(scratch.path);
      const before = visible(scratch.path);
      const code = (['ENOSPC', 'EIO', 'EACCES'] as const)[failing % 3] ?? 'EIO';
      const { fs } = watchedFs((call, name) => {
        if (call === failing) throw diskError(name === 'openSync' ? 'EACCES' : code);
      });
      const ending = await runInstall(installContext(fs), installRequest(scratch.path, 'two')).then(
        () => 'installed',
        () => 'failed',
      );
      // What is only thrown away at the end may stay behind; the next look puts that right.
      await recoverInstalls(installContext(), scratch.at('instructions'));
      if (ending === 'failed') {
        expect(visible(scratch.path), `call ${failing} of ${total}`).toEqual(before);
      } else {
        expect(treeOf(scratch.at('site')), `call ${failing} of ${total}`).toEqual({
          ...treeOf(scratch.at('two')),
          'by-hand': 'file 644 "mine"',
        });
      }
      await runInstall(installContext(), installRequest(scratch.path, 'two'));
      expect(treeOf(scratch.at('site'))).toEqual({ ...treeOf(scratch.at('two')), 'by-hand': 'file 644 "mine"' });
    }
    // Some hundred Installs, each of which syncs: a loaded machine needs longer than usual.
  }, 120_000);

  test('tells what it refused, where, and what to do', async () => {
    using scratch = scratchFolder();
    await prepared(scratch.path);
    const { fs } = watchedFs((_, name) => {
      if (name === 'symlinkSync') throw diskError('ENOSPC');
    });
    await expect(runInstall(installContext(fs), installRequest(scratch.path, 'two'))).rejects.toMatchObject({
      code: 'INSTALL_DISK_FULL',
      message: expect.stringContaining('two/link could not be copied to'),
    });
  });
});

test('links on the way that root or the agent made are followed; the link itself stays', async () => {
  using scratch = scratchFolder();
  writeFiles(scratch.at('one'), { a: 'a' });
  mkdirSync(scratch.at('data'));
  symlinkSync(scratch.at('data'), scratch.at('site'));
  await runInstall(installContext(), installRequest(scratch.path, 'one'));
  expect(readlinkSync(scratch.at('site'))).toBe(scratch.at('data'));
  expect(readFileSync(scratch.at('data', 'a'), 'utf8')).toBe('a');
  rmSync(scratch.at('one', 'a'));
  await runInstall(installContext(), installRequest(scratch.path, 'one'));
  expect(readlinkSync(scratch.at('site'))).toBe(scratch.at('data'));
});
