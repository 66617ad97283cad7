/** The machine where nothing is mounted on `/proc`, and the one where `/proc` hides other users' processes. */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { execaSync } from 'execa';
import { expect, test } from 'vitest';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { describeIf } from '../support/needs.ts';
import { isRunning } from '../support/process-tree.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { writeScript } from '../support/scripts.ts';
import { SLIPWAY } from '../support/slipway.ts';

const SYSTEM = fileURLToPath(new URL('../../src/system', import.meta.url));
const NAMESPACES = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];

function withoutProc(...command: string[]) {
  const hide = 'mount -t tmpfs none /proc && exec "$0" "$@"';
  return execaSync('unshare', [...NAMESPACES, 'sh', '-c', hide, ...command], { reject: false });
}

/** As a user who sees only own processes, beside a first process of root's. */
function withHidingProc(...command: string[]) {
  const hide =
    'mount -t proc -o hidepid=2 proc /proc && setpriv --reuid=65534 --regid=65534 --clear-groups "$0" "$@"; exit $?';
  return execaSync('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', hide, ...command], { reject: false });
}

/** An agent's configuration, in a folder of its own. */
function configure(scratch: ScratchFolder): string {
  const config = { root_dir: scratch.at('root'), log_dir: scratch.at('logs'), pid_dir: scratch.at('pids') };
  writeFileSync(scratch.at('agent.yml'), JSON.stringify(config));
  return scratch.at('agent.yml');
}

/** Output of a module's text there. */
function printed(script: string, ...args: string[]): string {
  const { stdout, stderr } = withoutProc(process.execPath, '--input-type=module', '-e', script, SYSTEM, ...args);
  expect(stderr).toBe('');
  return stdout;
}

describeIf(!withoutProc('true').failed, 'mount namespaces')('without /proc', () => {
  test('a run of the machine has a name, which each process finds again', () => {
    const script = 'const { bootId } = await import(process.argv[1] + "/boot-id.ts"); console.log(bootId());';
    const first = printed(script);
    expect(first).toMatch(/^began-\d+$/);
    // Two processes may begin on either side of a rounding.
    expect(Math.abs(Number(printed(script).slice(6)) - Number(first.slice(6)))).toBeLessThanOrEqual(1);
  });

  test('a lock of a process that lives is kept, and one of a process that is gone is taken', () => {
    using scratch = scratchFolder();
    const script = `
      const { takeInstanceLock } = await import(process.argv[1] + '/instance-lock.ts');
      const taken = (pid) => new Error('taken by ' + pid);
      try { takeInstanceLock(process.argv[2], taken); console.log('has it'); } catch (error) { console.log(error.message); }`;
    writeFileSync(scratch.at('living'), `${process.pid} 1\n`);
    writeFileSync(scratch.at('gone'), '4194305 1\n');
    expect(printed(script, scratch.at('living'))).toBe(`taken by ${process.pid}`);
    expect(printed(script, scratch.at('gone'))).toBe('has it');
  });

  test('a script that runs too long is ended with its process group, and its event fails for that', () => {
    using scratch = scratchFolder();
    const config = configure(scratch);
    mkdirSync(scratch.at('bundle'));
    const appspec = 'version: 0.0\nos: linux\nhooks:\n  BeforeInstall:\n    - location: slow.sh\n      timeout: 1\n';
    writeFileSync(scratch.at('bundle', 'appspec.yml'), appspec);
    writeScript(
      scratch.at('bundle', 'slow.sh'),
      `#!/bin/sh\nsleep 600 &\necho $! $$ > ${quoteForShell(scratch.at('pids-of-script'))}\nwait\n`,
    );
    const deploy = ['local', '--bundle-location', scratch.at('bundle'), '--type', 'directory', '-c', config];
    const { stdout, stderr, exitCode } = withoutProc(process.execPath, SLIPWAY, ...deploy);
    expect(exitCode).toBe(1);
    expect(`${stdout}${stderr}`).toContain('took longer than 1 seconds and was ended');
    expect(`${stdout}${stderr}`).not.toContain('ENOENT');
    const pids = readFileSync(scratch.at('pids-of-script'), 'utf8').trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test('an agent warns once at its start, of all that cannot work, with what to do', () => {
    using scratch = scratchFolder();
    const agent = withoutProc(process.execPath, SLIPWAY, 'agent', '--config-file', configure(scratch));
    expect(`${agent.stdout}${agent.stderr}`).not.toContain('ENOENT');
    const log = readFileSync(scratch.at('logs', 'codedeploy-agent.log'), 'utf8');
    const warnings = log.split('\n').filter((line) => line.includes('/proc'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/not found and not ended.*may go on to scripts.*mount -t proc/);
  });

  test('the doctor says what the machine lacks', () => {
    using scratch = scratchFolder();
    const doctor = withoutProc(process.execPath, SLIPWAY, 'doctor', '--json', '--config-file', configure(scratch));
    const findings = JSON.parse(doctor.stdout) as { check: string; status: string; detail: string; remedy: string }[];
    expect(findings.filter(({ check }) => check === 'machine')).toEqual([
      expect.objectContaining({
        status: 'warn',
        detail: expect.stringContaining('/proc'),
        remedy: expect.stringContaining('mount -t proc'),
      }),
    ]);
  });
});

describeIf(!withHidingProc('true').failed, 'root, mount and PID namespaces')('where /proc hides other users', () => {
  test('a lock of a process that is hidden is kept, and one of a process that is gone is taken', () => {
    using scratch = scratchFolder();
    chmodSync(scratch.path, 0o777);
    const script = `
      const { processView, runningProcesses } = await import(process.argv[1] + '/processes.ts');
      const { lockOwner } = await import(process.argv[1] + '/instance-lock.ts');
      console.log(processView(), runningProcesses().length, ...process.argv.slice(2).map((file) => lockOwner(file)));`;
    writeFileSync(scratch.at('hidden'), '1 1');
    writeFileSync(scratch.at('hidden-without-start'), '1 ');
    writeFileSync(scratch.at('gone'), '4194305 1');
    const locks = ['hidden', 'hidden-without-start', 'gone'].map((name) => scratch.at(name));
    const args = ['--input-type=module', '-e', script, SYSTEM, ...locks];
    const { stdout, stderr } = withHidingProc(process.execPath, ...args);
    expect({ stdout, stderr }).toEqual({ stdout: 'own 1 1 1 null', stderr: '' });
  });
});
