/** File systems that are mounted so that a deployment cannot be: told as what they are, each with what helps there. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { describeIf } from '../support/needs.ts';
import { writeRevision } from '../support/revision.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { SLIPWAY } from '../support/slipway.ts';

/** A name space of its own, so that nothing stays mounted. */
const UNSHARE = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount'];
const canMount = spawnSync('unshare', [...UNSHARE, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

/**
 * Deploys locally with a tmpfs mounted on a folder of the scratch folder.
 * @param rootDir in the scratch folder
 */
async function deployWith(scratch: ScratchFolder, folder: string, options: string, rootDir = 'root') {
  const destination = scratch.at('www');
  for (const name of ['www', 'root']) mkdirSync(scratch.at(name));
  const bundle = writeRevision(scratch.at('bundle'), { destination, files: { a: 'a' } });
  const config = scratch.at('agent.yml');
  writeFileSync(config, `root_dir: ${scratch.at(rootDir)}\nlog_dir: ${scratch.at('log')}\n`);
  const script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"';
  const deploy = [process.execPath, SLIPWAY, 'local', '--bundle-location', bundle, '-c', config];
  const ended = await execa('unshare', [...UNSHARE, 'sh', '-c', script, 'sh', options, scratch.at(folder), ...deploy], {
    reject: false,
  });
  return { status: ended.exitCode, stderr: ended.stderr };
}

describeIf(canMount, 'the right to mount in a name space')('a deployment on a mounted file system', () => {
  test('a deployment whose root_dir is mounted noexec says so at the first script', async () => {
    using scratch = scratchFolder();
    const { status, stderr } = await deployWith(scratch, 'root', 'noexec');
    expect(status).toBe(1);
    expect(stderr).toContain(`the file system at ${scratch.at('root')} is mounted noexec`);
    expect(stderr).toContain('or set root_dir to a folder on another one');
    expect(stderr).not.toContain('spawn');
  });

  test('a deployment to a destination that is mounted read-only says so, and does not advise to be root', async () => {
    using scratch = scratchFolder();
    const { status, stderr } = await deployWith(scratch, 'www', 'ro');
    expect(status).toBe(1);
    expect(stderr).toContain(`the file system at ${scratch.at('www')} is mounted read-only [INSTALL_NOT_PERMITTED]`);
    expect(stderr).toContain(`mount -o remount,rw ${scratch.word('www')}`);
    expect(stderr).not.toContain('as root');
  });

  test('a deployment whose root_dir would be made below a read-only mount says so, and not that something is not there', async () => {
    using scratch = scratchFolder();
    const { status, stderr } = await deployWith(scratch, 'root', 'ro', 'root/deeper/still');
    expect(status).toBe(2);
    expect(stderr).toContain(
      `the file system at ${scratch.at('root')} is mounted read-only [DEPLOYMENT_ROOT_UNUSABLE]`,
    );
    expect(stderr).not.toMatch(/as root|ENOENT/);
  });

  test('a deployment whose root_dir is mounted read-only says so before anything is done', async () => {
    using scratch = scratchFolder();
    const { status, stderr } = await deployWith(scratch, 'root', 'ro');
    expect(status).toBe(2);
    expect(stderr).toContain(
      `the file system at ${scratch.at('root')} is mounted read-only [DEPLOYMENT_ROOT_UNUSABLE]`,
    );
    expect(stderr).not.toContain('as root');
  });
});
