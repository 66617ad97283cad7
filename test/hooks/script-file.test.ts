import { chmodSync, copyFileSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { machine } from 'node:os';
import { describe, expect, test } from 'vitest';
import { examineScript } from '../../src/hooks/script-file.ts';
import { elfProgram } from '../support/elf.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

/** `e_machine` of this machine's programs; the tests run on these two. */
const OWN_MACHINE = machine() === 'aarch64' ? 183 : 62;

function put(scratch: ScratchFolder, name: string, content: string | Buffer, mode = 0o755): void {
  writeFileSync(scratch.at(name), content);
  chmodSync(scratch.at(name), mode);
}

describe('a script of a revision', () => {
  test.each([
    ['with #!', '#!/bin/sh\n', false],
    ['without #!', 'echo hi\n', true],
    ['that is empty', '', true],
    ['with #! and no name', '#! \necho hi\n', true],
    ['with an interpreter and its argument', '#! /usr/bin/env sh\n', false],
    ['that is a program', Buffer.from('\u007fELF\u0002\0\0', 'latin1'), false],
  ] as const)('%s: told to a shell, %s', (_, content, isShellScript) => {
    using scratch = scratchFolder();
    put(scratch, 'a.sh', content);
    expect(examineScript(scratch.path, 'a.sh', expect.fail)).toEqual({
      state: 'ready',
      path: scratch.at('a.sh'),
      isShellScript,
    });
  });

  test('is missing when it is a folder, a dangling link, a link to itself, or not there', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('folder'));
    symlinkSync('nowhere', scratch.at('dangling'));
    symlinkSync('circle', scratch.at('circle'));
    for (const name of ['folder', 'dangling', 'circle', 'absent', 'absent/a.sh', 'long'.repeat(100)]) {
      expect(examineScript(scratch.path, name, expect.fail).state).toBe('missing');
    }
  });

  test('is not run when it leads out of the revision, and its mode stays as it is', () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('archive/scripts'), { recursive: true });
    put(scratch, 'outside.sh', '#!/bin/sh\n', 0o600);
    symlinkSync('../../outside.sh', scratch.at('archive/scripts/a.sh'));
    symlinkSync(scratch.path, scratch.at('archive/up'));
    for (const name of ['scripts/a.sh', 'up/outside.sh']) {
      expect(examineScript(scratch.at('archive'), name, expect.fail)).toMatchObject({
        state: 'outside',
        leadsTo: scratch.at('outside.sh'),
      });
    }
    expect(statSync(scratch.at('outside.sh')).mode & 0o777).toBe(0o600);
  });

  test('may be a link within the revision', () => {
    using scratch = scratchFolder();
    put(scratch, 'real.sh', '#!/bin/sh\n');
    symlinkSync('real.sh', scratch.at('a.sh'));
    expect(examineScript(scratch.path, 'a.sh', expect.fail).state).toBe('ready');
  });

  test('is made executable, keeps its other rights, and loses setuid on the way', () => {
    using scratch = scratchFolder();
    put(scratch, 'a.sh', '#!/bin/sh\n', 0o4640);
    const changed: string[] = [];
    expect(examineScript(scratch.path, 'a.sh', (path) => changed.push(path)).state).toBe('ready');
    expect(changed).toEqual([scratch.at('a.sh')]);
    expect(statSync(scratch.at('a.sh')).mode & 0o7777).toBe(0o751);
  });

  test.each([
    ['#!/no/such/interpreter\n', 'its interpreter /no/such/interpreter does not exist'],
    ['#! /no/such/interpreter -x\n', 'its interpreter /no/such/interpreter does not exist'],
    ['#!no/such/interpreter', 'its interpreter no/such/interpreter does not exist'],
    ['#!/etc\n', 'its interpreter /etc cannot be executed'],
    ['#!/etc/passwd\n', 'its interpreter /etc/passwd cannot be executed'],
  ])('a script of a revision that begins with %j: %s', (content, why) => {
    using scratch = scratchFolder();
    put(scratch, 'a.sh', content);
    expect(examineScript(scratch.path, 'a.sh', expect.fail)).toEqual({ state: 'no-interpreter', why });
  });

  test.each([
    [elfProgram({ machine: 22, isBigEndian: true }), /^it is a program for s390x, and this host is/],
    [
      elfProgram({ machine: OWN_MACHINE, loader: '/lib/no-such-loader.so.1' }),
      /^the loader that it was built for, \/lib\/no-such-loader/,
    ],
    ['MZ\x90\0\x03\0', /^it is a program for Windows; Linux starts/],
    ['\xff\xfe#\0!\0/\0b\0', /^it is text in UTF-16/],
  ])(
    'a script of a revision that this host’s kernel cannot start is reported with its kind, and not given to a shell (%#)',
    (content, why) => {
      using scratch = scratchFolder();
      put(scratch, 'a.sh', '#');
      writeFileSync(scratch.at('a.sh'), content, 'latin1');
      const file = examineScript(scratch.path, 'a.sh', expect.fail);
      expect(file).toEqual({ state: 'no-interpreter', why: expect.stringMatching(why) });
    },
  );

  test('a script of a revision that is a program for this host is started as it is', () => {
    using scratch = scratchFolder();
    copyFileSync('/bin/true', scratch.at('a.sh'));
    chmodSync(scratch.at('a.sh'), 0o755);
    expect(examineScript(scratch.path, 'a.sh', expect.fail)).toMatchObject({ state: 'ready', isShellScript: false });
  });

  test('a script of a revision with CRLF lines is told apart by its first line', () => {
    using scratch = scratchFolder();
    put(scratch, 'a.sh', '#!/bin/bash\r\necho hi\r\n');
    expect(examineScript(scratch.path, 'a.sh', expect.fail)).toEqual({ state: 'crlf', interpreter: '/bin/bash' });
  });
});
