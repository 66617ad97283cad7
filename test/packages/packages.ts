/**
 * `npm run test:packages`: the packages as operators meet them. They are built twice and looked at by Debian's own checker. A Debian that
 * has its own systemd installs, uses, upgrades, removes and purges them. Another one takes them from a repository for apt. The package for
 * RPM is installed in a root of its own, and the one for arm64 runs in an emulator.
 *
 * Prints a line a check; the last line is `{"passed":…,"failed":…,"skipped":…}`. Parts that cannot run here are named, with the reason.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { anyText, programOptions } from '../support/program-options.ts';
import { type Check, runChecks } from '../support/run-checks.ts';
import { scratchFolder } from '../support/scratch.ts';
import { forgetKeys, KEY_NAME, signingKey } from '../support/signing-key.ts';
import { baseSystem, obstacles } from '../systemd/base-system.ts';
import { installsByApt } from './apt.ts';
import { armLibraries, armLibrariesMissing } from './arm-libraries.ts';
import { completionChecks } from './completions.ts';
import { livesOnMachine } from './on-machine.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { readonly version: string };
const EMULATOR = 'qemu-aarch64-static';

const values = programOptions('test:packages', {
  packages: anyText('FOLDER', 'packages of this commit that are there; else they are built, twice'),
});
using scratch = scratchFolder();
const built = values.packages ?? scratch.at('built');
const again = scratch.at('again');
/** A repository for apt, which a build makes beside its packages. */
const repository = scratch.at('repository');
/** gpg reads the variable, here and in builds. */
const keyring = scratch.at('keyring');
process.env['GNUPGHOME'] = keyring;
const file = (folder: string, architecture: string, ending: string) =>
  join(folder, `slipway_${version}_${architecture}.${ending}`);

/** Without them there is nothing to look at. */
const buildNeeds =
  values.packages === null
    ? ['dpkg-deb', 'rpmbuild', 'x86_64-linux-gnu-strip', 'aarch64-linux-gnu-strip'].flatMap(missing)
    : [];
const areBuilt = values.packages === null ? [] : ['--packages names packages that are there'];

process.exitCode = await runChecks(
  [
    { what: 'packages of both architectures are built in all formats', needs: areBuilt, hold: () => build(built) },
    { what: 'a second build makes the very same files', needs: areBuilt, hold: sameAgain },
    { what: 'lintian finds no error', needs: missing('lintian'), hold: lintian },
    { what: 'man shows each page without a complaint', needs: missing('man'), hold: manualPages },
    ...completionChecks(() => unpacked('amd64')),
    { what: 'the archive installs and removes itself', needs: obstacles(), hold: archiveInstalls },
    {
      what: 'the package for RPM installs into a root, runs there, and is removed',
      needs: [...obstacles(), ...missing('rpm')],
      hold: rpmInstalls,
    },
    {
      what: 'the program for arm64 starts in an emulator',
      needs: [...missing(EMULATOR), ...armLibrariesMissing()],
      hold: armStarts,
    },
    {
      what: 'the Debian package installs on a booted machine: server ready, settings kept by an upgrade, data kept by a purge',
      needs: obstacles(),
      hold: () => livesOnMachine({ folder: scratch.path, deb: file(built, 'amd64', 'deb'), saysItsBuild }),
    },
    {
      what: 'apt installs and upgrades from a signed repository, and takes no package and no list that was changed',
      needs: [...obstacles(), ...['gpg', 'curl'].flatMap(missing)],
      hold: aptInstalls,
    },
  ].map((check: Check) => ({ ...check, needs: [...buildNeeds, ...check.needs] })),
);

function build(folder: string, ...options: readonly string[]): void {
  execFileSync(process.execPath, ['packaging/main.ts', '--out', folder, ...options], {
    cwd: PROJECT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Options of a build that publishes its packages, too. */
function publishing(): readonly string[] {
  return ['--repository', repository, '--sign-key', signingKey(keyring)];
}

function sameAgain(): void {
  build(again, ...(missing('gpg').length === 0 ? publishing() : []));
  const [first, second] = [built, again].map((folder) => readFileSync(join(folder, 'SHA256SUMS'), 'utf8'));
  must(first === second && first !== '', `the sums differ:\n${first}\n${second}`);
}

function lintian(): void {
  for (const architecture of ['amd64', 'arm64']) {
    const { stdout } = spawnSync('lintian', ['--allow-root', file(built, architecture, 'deb')], { encoding: 'utf8' });
    const errors = stdout.split('\n').filter((line) => line.startsWith('E:'));
    must(errors.length === 0, errors.join('\n'));
  }
}

/** The package's files, unpacked and not installed. */
function unpacked(architecture: string): string {
  const folder = scratch.at(`unpacked-${architecture}`);
  if (!existsSync(folder)) execFileSync('dpkg-deb', ['--extract', file(built, architecture, 'deb'), folder]);
  return folder;
}

function manualPages(): void {
  const folder = join(unpacked('amd64'), 'usr/share/man');
  const pages = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.gz'));
  must(pages.includes('man8/slipway-agent.8.gz') && pages.includes('man5/appspec.yml.5.gz'), pages.join(' '));
  for (const page of pages) {
    const shown = spawnSync('man', ['--warnings', '--local-file', join(folder, page)], {
      env: { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' },
      encoding: 'utf8',
    });
    must(shown.status === 0 && shown.stderr === '', `${page}: ${shown.stderr}`);
    must(/^NAME$/m.test(shown.stdout), `${page} has no NAME`);
  }
}

/** Another base system, because a booted one has its own. */
function freshRoot(name: string): string {
  const root = scratch.at(name);
  execFileSync('cp', ['-a', '--reflink=auto', baseSystem(), root]);
  return root;
}

function archiveInstalls(): void {
  const root = freshRoot('archive');
  execFileSync('tar', ['-xzf', file(built, 'amd64', 'tar.gz'), '-C', join(root, 'opt')]);
  const script = `/opt/slipway_${version}_amd64/install.sh`;
  const inside = (...command: string[]) => execFileSync('chroot', [root, ...command], { encoding: 'utf8' });
  // As an ordinary user unpacks it.
  inside('chown', '-hR', '1000:1000', `/opt/slipway_${version}_amd64`);
  must(inside(script).includes(`installed: ${version}`), 'it did not say what was installed');
  // As an upgrade over itself.
  inside(script);
  saysItsBuild(inside('/usr/bin/slipway', '--version'), 'tar.gz');
  must(existsSync(join(root, 'etc/slipway/server.env')), 'there are no settings');
  const foreign = inside('find', '/usr', '/lib/systemd', '-user', '1000');
  must(foreign === '', `the user who has unpacked it owns what root runs:\n${foreign}`);
  for (const [program, packages] of Object.entries({ 'dpkg-query': 'Debian package', rpm: 'package of RPM' })) {
    // Says of every package that it is there.
    const stand = join(root, 'usr/local/bin', program);
    writeFileSync(stand, '#!/bin/sh\n', { mode: 0o755 });
    const { status, stderr } = spawnSync('chroot', [root, script], { encoding: 'utf8' });
    must(status === 1 && stderr.includes(packages), `it goes on beside a ${packages}: ${stderr}`);
    rmSync(stand);
  }
  inside(script, '--remove');
  must(!existsSync(join(root, 'usr/bin/slipway')) && !existsSync(join(root, 'usr/lib/slipway')), 'files are left');
  must(existsSync(join(root, 'etc/slipway/server.env')), 'the settings are gone');
}

function rpmInstalls(): void {
  const root = freshRoot('rpm');
  const rpm = (...args: string[]) =>
    execFileSync('rpm', ['--root', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  cpSync(file(built, 'amd64', 'rpm'), join(root, 'slipway.rpm'));
  // The libraries that it requires are Debian's here, of which RPM knows nothing.
  rpm('--install', '--nodeps', file(built, 'amd64', 'rpm'));
  must(rpm('--query', 'slipway').startsWith(`slipway-${version}`), 'it is not listed');
  const said = execFileSync('chroot', [root, '/usr/bin/slipway', '--version'], { encoding: 'utf8' });
  saysItsBuild(said, 'rpm');
  rpm('--erase', '--nodeps', 'slipway');
  must(!existsSync(join(root, 'usr/lib/slipway')), 'files are left');
}

async function aptInstalls(): Promise<void> {
  // Packages that `--packages` names may have been built without a repository.
  if (!existsSync(repository)) build(again, '--architecture', 'amd64', '--format', 'deb', ...publishing());
  const page = readFileSync(join(PROJECT, 'docs/install.md'), 'utf8');
  try {
    await installsByApt({ folder: scratch.path, repository, signKey: KEY_NAME, version, page, saysItsBuild });
  } finally {
    forgetKeys(keyring);
  }
}

function armStarts(): void {
  const home = join(unpacked('arm64'), 'usr/lib/slipway/program');
  const said = execFileSync(
    EMULATOR,
    ['-L', armLibraries(scratch.path), join(home, 'runtime/slipway-node'), join(home, 'bin/slipway.js'), '--version'],
    { encoding: 'utf8' },
  );
  saysItsBuild(said, 'deb');
}

/** The commit's day would follow from its id; that there is one is what a package without git could lack. */
function saysItsBuild(said: string, packing: string): void {
  const { stdout: commit } = spawnSync('git', ['-C', PROJECT, 'rev-parse', '--short=12', 'HEAD'], { encoding: 'utf8' });
  must(said.startsWith(`${version} (${packing}, commit ${commit.trim()} of 2`), said);
}

function missing(program: string): readonly string[] {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
  return found ? [] : [`${program} is not installed`];
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
