/** Other things that can stand at a destination, or be one. Each is installed over, or is a clear reason not to, and what was there stays. */
import { linkSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { execaSync } from 'execa';
import { describe, expect, test } from 'vitest';
import { runInstall } from '../../src/install/install.ts';
import { recoverInstalls } from '../../src/install/recover-installs.ts';
import { appSpecFor, installContext, installRequest, writeFiles } from '../support/install.ts';
import { testIf } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { treeOf } from '../support/tree.ts';

const isRoot = process.getuid?.() === 0;
/** Only root may, and not in every container. */
const canMount = isRoot && tries(mountOnce);
/** Only some file systems know the flag. */
const hasFlags = isRoot && tries(setFlagOnce);

function tries(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

function mountOnce(): void {
  using scratch = scratchFolder();
  mkdirSync(scratch.at('disk'));
  using _disk = mounted(scratch.at('disk'), '-t', 'tmpfs', 'tmpfs');
}

function setFlagOnce(): void {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('file'), '');
  execaSync('chattr', ['+i', scratch.at('file')]);
  execaSync('chattr', ['-i', scratch.at('file')]);
}

/** A file system that is mounted on a folder or file until the test lets go of it. */
function mounted(at: string, ...args: string[]): Disposable {
  execaSync('mount', [...args, at]);
  return { [Symbol.dispose]: () => void execaSync('umount', ['--lazy', at]) };
}

async function installed(scratch: ScratchFolder, one: Record<string, string>, two: Record<string, string>) {
  writeFiles(scratch.at('one'), one);
  writeFiles(scratch.at('two'), two);
  await runInstall(installContext(), installRequest(scratch.path, 'one'));
}

describe('names', () => {
  test('may be as long as the file system has them, because the hidden names do not grow with them', async () => {
    using scratch = scratchFolder();
    const [latin, wide] = ['n'.repeat(255), `${'ü'.repeat(127)}x`];
    await installed(scratch, { [latin]: '1', [`${wide}/deep`]: '1' }, { [latin]: '2', [wide]: '2' });
    await runInstall(installContext(), installRequest(scratch.path, 'two'));
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('two')));
  });

  test('names that are too long, alone or as a whole path, are refused before anything is changed', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { [Array(15).fill('d'.repeat(250)).join('/')]: '1', plain: '1' });
    const destination = scratch.at('d'.repeat(200), 'd'.repeat(200));
    const files = [
      { source: '', destination },
      { source: 'plain', destination: scratch.at('x'.repeat(256)) },
    ];
    const request = installRequest(scratch.path, 'one', { appSpec: appSpecFor({ files }) });
    await expect(runInstall(installContext(), request)).rejects.toMatchObject({
      code: 'INSTALL_IMPOSSIBLE',
      message: expect.stringMatching(/longer than 4095 bytes.*longer than 255 bytes/s),
    });
    expect(() => statSync(scratch.at('d'.repeat(200)))).toThrow('ENOENT');
  });

  test('may lead so deep that only the hidden name would be too long', async () => {
    using scratch = scratchFolder();
    // The last folder that is there, and below it the longest path there can be.
    const room = 4095 - scratch.at('site').length - 1;
    const names = [...Array(Math.floor(room / 201)).fill('d'.repeat(200)), 'e'.repeat((room % 201) + 0)].filter(
      Boolean,
    );
    const deep = names.join('/');
    writeFiles(scratch.at('one'), { [deep]: '1' });
    await runInstall(installContext(), installRequest(scratch.path, 'one'));
    expect(readFileSync(scratch.at('site', deep), 'utf8')).toBe('1');
    writeFiles(scratch.at('one'), { [deep]: '2' });
    await runInstall(installContext(), installRequest(scratch.path, 'one', { deploymentId: 'd-again' }));
    expect(readFileSync(scratch.at('site', deep), 'utf8')).toBe('2');
  });
});

describe('at a destination', () => {
  test('a pipe is replaced with OVERWRITE, and nobody waits for what could be read from it', async () => {
    using scratch = scratchFolder();
    writeFiles(scratch.at('one'), { a: 'a' });
    mkdirSync(scratch.at('site'));
    execaSync('mkfifo', [scratch.at('site/a')]);
    await expect(runInstall(installContext(), installRequest(scratch.path, 'one'))).rejects.toThrow('exists already');
    const overwrite = { fileExistsBehavior: 'OVERWRITE' } as const;
    await runInstall(installContext(), installRequest(scratch.path, 'one', overwrite));
    expect(readFileSync(scratch.at('site/a'), 'utf8')).toBe('a');
  });

  test('a pipe or a socket that has come in the place of an own file has nothing to be saved', async () => {
    using scratch = scratchFolder();
    await installed(scratch, { pipe: '1', socket: '1', gone: '1' }, { pipe: '2', socket: '2' });
    for (const name of ['pipe', 'socket', 'gone']) rmSync(scratch.at('site', name));
    execaSync('mkfifo', [scratch.at('site/pipe'), scratch.at('site/gone')]);
    execaSync(
      process.execPath,
      [
        '-e',
        `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`,
        scratch.at('site/socket'),
      ],
      { reject: false },
    );
    expect(lstatSync(scratch.at('site/socket')).isSocket()).toBe(true);
    expect(await runInstall(installContext(), installRequest(scratch.path, 'two'))).toMatchObject({ saved: 0 });
    expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('two')));
  });

  test('a file with a second name elsewhere is replaced there alone', async () => {
    using scratch = scratchFolder();
    await installed(scratch, { a: '1' }, { a: '2' });
    linkSync(scratch.at('site/a'), scratch.at('second'));
    await runInstall(installContext(), installRequest(scratch.path, 'two'));
    expect([readFileSync(scratch.at('site/a'), 'utf8'), readFileSync(scratch.at('second'), 'utf8')]).toEqual([
      '2',
      '1',
    ]);
    expect(statSync(scratch.at('second')).nlink).toBe(1);
  });

  testIf(canMount, 'root, and the right to mount')(
    'a read-only file system keeps the old tree, and the error says where to look',
    async () => {
      using scratch = scratchFolder();
      mkdirSync(scratch.at('site'));
      using _disk = mounted(scratch.at('site'), '-t', 'tmpfs', 'tmpfs');
      await installed(scratch, { a: '1' }, { a: '2' });
      execaSync('mount', ['-o', 'remount,ro', scratch.at('site')]);
      await expect(runInstall(installContext(), installRequest(scratch.path, 'two'))).rejects.toMatchObject({
        code: 'INSTALL_NOT_PERMITTED',
        remedy: expect.stringContaining('read-only'),
      });
      expect(treeOf(scratch.at('site'))).toEqual({ a: 'file 644 "1"' });
      // Nothing was staged there, so there is nothing to be put right.
      expect(await recoverInstalls(installContext(), scratch.at('instructions'))).toEqual([]);
      execaSync('mount', ['-o', 'remount,rw', scratch.at('site')]);
      await runInstall(installContext(), installRequest(scratch.path, 'two'));
      expect(treeOf(scratch.at('site'))).toEqual(treeOf(scratch.at('two')));
    },
  );

  testIf(canMount, 'root, and the right to mount')(
    'a mounted file system is installed into, and its mount point never goes',
    async () => {
      using scratch = scratchFolder();
      await installed(scratch, { 'disk/a': '1', plain: '1' }, { plain: '2' });
      rmSync(scratch.at('site/disk/a'));
      using _disk = mounted(scratch.at('site/disk'), '-t', 'tmpfs', 'tmpfs');
      writeFiles(scratch.at('three'), { 'disk/a': '3', plain: '3' });
      await runInstall(installContext(), installRequest(scratch.path, 'three'));
      expect(readFileSync(scratch.at('site/disk/a'), 'utf8')).toBe('3');
      await runInstall(installContext(), installRequest(scratch.path, 'two'));
      expect(treeOf(scratch.at('site'))).toEqual({ disk: expect.stringContaining('directory'), plain: 'file 644 "2"' });
      // It is no reason to come back to that Install.
      expect(await recoverInstalls(installContext(), scratch.at('instructions'))).toEqual([]);
    },
  );

  testIf(canMount, 'root, and the right to mount')(
    'a file on which another is mounted stays, and the error says so',
    async () => {
      using scratch = scratchFolder();
      await installed(scratch, { a: '1', b: '1' }, { a: '2', b: '2' });
      writeFileSync(scratch.at('other'), 'other');
      using _file = mounted(scratch.at('site/b'), '--bind', scratch.at('other'));
      const before = treeOf(scratch.at('site'));
      await expect(runInstall(installContext(), installRequest(scratch.path, 'two'))).rejects.toMatchObject({
        code: 'INSTALL_FAILED',
        message: expect.stringContaining('mounted'),
      });
      expect(treeOf(scratch.at('site'))).toEqual(before);
    },
  );

  testIf(hasFlags, 'root, and a file system with the flag of immutable files')(
    'what is immutable keeps the old tree, and the error says where to look',
    async () => {
      using scratch = scratchFolder();
      await installed(scratch, { a: '1', b: '1' }, { a: '2', b: '2' });
      const before = treeOf(scratch.at('site'), { times: true });
      execaSync('chattr', ['+i', scratch.at('site/b')]);
      const attempt = runInstall(installContext(), installRequest(scratch.path, 'two'));
      const refusal = expect(attempt).rejects.toMatchObject({
        code: 'INSTALL_NOT_PERMITTED',
        message: expect.stringContaining(`put in place ${scratch.at('site/b')}`),
        remedy: expect.stringContaining('lsattr'),
      });
      await refusal.finally(() => execaSync('chattr', ['-i', scratch.at('site/b')]));
      expect(treeOf(scratch.at('site'), { times: true })).toEqual(before);
      await runInstall(installContext(), installRequest(scratch.path, 'two'));
    },
  );

  testIf(hasFlags, 'root, and a file system with the flag of immutable files')(
    'what is immutable and has the right content already keeps the old tree, and the error says where to look',
    async () => {
      using scratch = scratchFolder();
      await installed(scratch, { a: '1', b: '1' }, { a: '2', b: '1' });
      utimesSync(scratch.at('site/b'), 1_000_000_000, 1_000_000_000);
      const before = treeOf(scratch.at('site'));
      execaSync('chattr', ['+i', scratch.at('site/b')]);
      const attempt = runInstall(installContext(), {
        ...installRequest(scratch.path, 'two'),
        fileExistsBehavior: 'OVERWRITE',
      });
      const refusal = expect(attempt).rejects.toMatchObject({
        code: 'INSTALL_NOT_PERMITTED',
        remedy: expect.stringContaining('lsattr'),
      });
      await refusal.finally(() => execaSync('chattr', ['-i', scratch.at('site/b')]));
      expect(treeOf(scratch.at('site'))).toEqual(before);
    },
  );
});
