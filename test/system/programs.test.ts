/** Words about a missing program of the system that Slipway starts. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isSystemProgram, SYSTEM_PROGRAMS } from '../../src/system/program-table.ts';
import { findProgram } from '../../src/system/programs.ts';
import { testIf } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { SLIPWAY } from '../support/slipway.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** Names that the sources give to what starts programs, or begin a command line with. */
function startedPrograms(): string[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const texts = files.map((name) => readFileSync(join(SRC, name), 'utf8')).join('\n');
  const starts = /\b(?:execa|execaSync|spawn|spawnSync|execFile\)?|runTool|runForService)\(\s*'([a-z][a-z-]*)'/g;
  const lines = /\bfile: '([a-z][a-z-]*)',|\['(su|sudo|setpriv|test)',|run\(ctx, '([a-z-]+)'|exec (git) /g;
  return [
    ...new Set(
      [...texts.matchAll(starts), ...texts.matchAll(lines)].map((match) => match.slice(1).find(Boolean) ?? ''),
    ),
  ];
}

test('every program that the sources start by name is in the table of programs', () => {
  const started = startedPrograms();
  expect(started.filter((name) => !isSystemProgram(name))).toEqual([]);
  expect(started).toEqual(expect.arrayContaining(['sync', 'mkfifo', 'systemctl', 'journalctl', 'git', 'su', 'getent']));
});

describe('an error about a missing program says what needs it and how to install it:', () => {
  let scratch: ScratchFolder;
  beforeAll(() => {
    scratch = scratchFolder();
    mkdirSync(scratch.at('bundle'));
    writeFileSync(scratch.at('bundle/hook.sh'), '#!/bin/sh\necho hook\n');
    writeFileSync(scratch.at('bundle/page.html'), 'page\n');
    writeFileSync(scratch.at('key'), 'no key\n');
    const folders = `log_dir: ${scratch.at('log')}\nroot_dir: ${scratch.at('root')}\npid_dir: ${scratch.at('pid')}\n`;
    writeFileSync(scratch.at('agent.yml'), folders);
  });
  afterAll(() => scratch[Symbol.dispose]());

  /** A folder with the programs of this machine that the table has, but one. */
  function pathWithout(program: string): string {
    const folder = scratch.at(`without-${program}`);
    mkdirSync(folder);
    for (const name of ['sh', 'env', ...Object.keys(SYSTEM_PROGRAMS)]) {
      const found = findProgram(name, process.env['PATH']);
      if (found !== null && name !== program) symlinkSync(found, join(folder, name));
    }
    return folder;
  }

  async function run(program: string, args: readonly string[]) {
    return execa(process.execPath, [SLIPWAY, ...args], {
      env: { PATH: pathWithout(program), HOME: scratch.path },
      extendEnv: false,
      reject: false,
    });
  }

  function local(appSpec: string): string[] {
    writeFileSync(scratch.at('bundle/appspec.yml'), `version: 0.0\nos: linux\n${appSpec}`);
    return ['local', '-l', scratch.at('bundle'), '-c', scratch.at('agent.yml')];
  }

  test('sync, before Install has changed anything', async () => {
    const files = `files:\n  - source: page.html\n    destination: ${scratch.at('www')}\n`;
    const { exitCode, stderr } = await run('sync', local(files));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /Install needs the program sync, .*\[PROGRAM_MISSING\] Install sync \(on Debian and Ubuntu the package coreutils\)/s,
    );
    expect(readdirSync(scratch.path)).not.toContain('www');
  });

  test('mkfifo, by the event whose script cannot run', async () => {
    const { exitCode, stderr } = await run('mkfifo', local('hooks:\n  AfterInstall:\n    - location: hook.sh\n'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/it cannot be started: every hook needs the program mkfifo, .* package coreutils\)/s);
  });

  testIf(process.getuid?.() === 0, 'root')('su and sudo, by the event whose script runs as another user', async () => {
    const runas = 'hooks:\n  AfterInstall:\n    - location: hook.sh\n      runas: nobody\n';
    const { stderr } = await run('su', local(runas));
    expect(stderr).toMatch(/`runas` of a hook needs the program su, .* package util-linux\)/s);
    const sudo = await run('sudo', local(`${runas}      sudo: true\n`));
    expect(sudo.stderr).toMatch(/`sudo` of a hook needs the program sudo, .* package sudo\)/s);
  });

  test.each([
    [
      'git',
      ['local', '-l', 'git+https://127.0.0.1:1/x#0a1b2c3d4e5f60718293a4b5c6d7e8f901234567'],
      1,
      /git is not installed .* package git\)/s,
    ],
    ['journalctl', ['logs', '--journal'], 2, /the journal needs the program journalctl, .* package systemd\)/s],
  ])('%s', async (program, args, status, words) => {
    const { exitCode, stderr } = await run(program, [
      ...args,
      ...(args[0] === 'local' ? ['-c', scratch.at('agent.yml')] : []),
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: status, stderr: expect.stringMatching(words) });
  });

  test('ssh-keygen, by slipway sign', async () => {
    writeFileSync(scratch.at('b.tgz'), '');
    const { exitCode, stderr } = await run('ssh-keygen', ['sign', scratch.at('b.tgz'), '--key', scratch.at('key')]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Install ssh-keygen (on Debian and Ubuntu the package openssh-client).');
  });

  test('all that deployments on this host may need, by slipway doctor', async () => {
    const { stdout } = await execa(
      process.execPath,
      [SLIPWAY, 'doctor', '--json', '--config-file', scratch.at('agent.yml')],
      { env: { PATH: scratch.at('nowhere') }, extendEnv: false, reject: false },
    );
    const findings = JSON.parse(stdout) as { check: string; status: string; remedy: string }[];
    const missing = findings.filter(({ check }) => check.startsWith('program '));
    expect(missing.filter(({ status }) => status === 'fail').map(({ check }) => check)).toEqual([
      'program sync',
      'program mkfifo',
    ]);
    expect(missing.find(({ check }) => check === 'program ssh')).toMatchObject({
      status: 'warn',
      remedy: expect.stringContaining('openssh-client'),
    });
  });
});
