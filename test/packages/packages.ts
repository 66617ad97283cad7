/**
 * `npm run test:packages`: the packages as operators meet them. They are built twice and looked at by Debian's own checker. A Debian that
 * has its own systemd installs, uses, upgrades, removes and purges them. The package for RPM is installed in a root of its own, and the one
 * for arm64 runs in an emulator.
 *
 * Prints a line a check; the last line is `{"passed":…,"failed":…,"skipped":…}`. Parts that cannot run here are named, with the reason.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeNextPackage } from '../support/next-package.ts';
import { programOptions } from '../support/program-options.ts';
import { type Check, runChecks } from '../support/run-checks.ts';
import { scratchFolder } from '../support/scratch.ts';
import { baseSystem, obstacles } from '../systemd/base-system.ts';
import { bootMachine, type Machine } from '../systemd/machine.ts';
import { armLibraries, armLibrariesMissing } from './arm-libraries.ts';
import { completionChecks } from './completions.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { readonly version: string };
const EMULATOR = 'qemu-aarch64-static';

programOptions('test:packages', {});
using scratch = scratchFolder();
const built = scratch.at('built');
const again = scratch.at('again');
const file = (folder: string, architecture: string, ending: string) =>
  join(folder, `slipway_${version}_${architecture}.${ending}`);

process.exitCode = await runChecks([
  { what: 'packages of both architectures are built in all formats', needs: [], hold: () => build(built) },
  { what: 'a second build makes the very same files', needs: [], hold: sameAgain },
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
  ...machineChecks(),
]);

function build(folder: string): void {
  execFileSync(process.execPath, ['packaging/main.ts', '--out', folder], {
    cwd: PROJECT,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function sameAgain(): void {
  build(again);
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

/** A program that runs has its own files after an upgrade, for as long as it runs. */
function upgradeKeepsFiles(machine: Machine): void {
  const versions = join(machine.root, 'usr/lib/slipway/versions');
  const [old = ''] = readdirSync(versions);
  const count = () => readdirSync(join(versions, old), { recursive: true }).length;
  const before = count();
  machine.run('systemd-run --unit=longer slipway server --data-dir /srv/longer --listen 127.0.0.1:0');
  machine.run('for n in $(seq 100); do [ -e /srv/longer/master.key ] && exit 0; sleep 0.2; done; exit 1');
  makeNextPackage(join(machine.root, 'slipway.deb'), join(machine.root, 'next.deb'));
  machine.run('dpkg --install /next.deb');
  must(existsSync(join(versions, old)) && count() === before, 'the files of the running program are gone');
  must(
    !machine.run('readlink -f /usr/bin/slipway').includes(`${old}/`),
    'the old program is still the one that starts',
  );
  machine.run('systemctl stop longer && /usr/lib/slipway/scripts/remove-old-programs');
  must(!existsSync(join(versions, old)), 'the old program stays although nothing runs it');
  saysItsBuild(machine.run('slipway --version'), 'deb');
  machine.run('dpkg --install /slipway.deb');
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

/** On one machine, in this order. */
function machineChecks(): readonly Check[] {
  const needs = obstacles();
  return [
    {
      what: 'the Debian package installs on a booted machine: server ready, settings kept by an upgrade, data kept by a purge',
      needs,
      async hold() {
        await using machine = await bootMachine(scratch.path, {}, 'private');
        cpSync(file(built, 'amd64', 'deb'), join(machine.root, 'slipway.deb'));
        machine.run('dpkg --install /slipway.deb');
        saysItsBuild(machine.run('slipway --version'), 'deb');
        must(machine.ask('systemctl is-active slipway-agent slipway-server') === null, 'a service runs unasked');
        takesOverAndGoesBack(machine);
        upgradeKeepsFiles(machine);
        machine.run('slipway server init --address 127.0.0.1');
        must(
          machine.run('stat --format %U:%G:%a /etc/slipway/tls/server.key') === 'root:root:600',
          'the key of the server is not for root alone',
        );
        machine.run('systemctl start slipway-server');
        must(
          machine
            .run('slipway server doctor --json --ca-file /etc/slipway/tls/ca.pem || true')
            .includes('"certificate"'),
          'the doctor has nothing to say about the certificate',
        );
        must(
          machine.run('systemctl show slipway-server --property=User --value') === 'slipway',
          'it runs as another user',
        );
        writeFileSync(join(machine.root, 'etc/slipway/server.env'), '# mine\nSLIPWAY_KEEP_AUDIT=9\n');
        const before = machine.run('systemctl show slipway-server --property=MainPID --value');
        machine.run('dpkg --install /slipway.deb');
        must(machine.run('cat /etc/slipway/server.env').startsWith('# mine'), 'the settings were replaced');
        machine.run(
          `for n in $(seq 100); do p=$(systemctl show slipway-server --property=MainPID --value); [ "$p" != ${before} ] && [ "$p" != 0 ] && exit 0; sleep 0.2; done; exit 1`,
        );
        machine.run('dpkg --remove slipway');
        must(machine.ask('systemctl is-active slipway-server') === null, 'the server runs on');
        must(existsSync(join(machine.root, 'etc/slipway/server.env')), 'a removal took the settings');
        machine.run('dpkg --purge slipway');
        must(!existsSync(join(machine.root, 'etc/slipway/server.env')), 'a purge left the settings');
        must(existsSync(join(machine.root, 'etc/slipway/tls/ca.key')), 'a purge took the authority that hosts trust');
        must(readdirSync(join(machine.root, 'var/lib/slipway')).length > 0, 'a purge took the data of the server');
      },
    },
  ];
}

/** An official agent that is nothing but its files and a process. */
function takesOverAndGoesBack(machine: Machine): void {
  const put = (path: string, text: string) => {
    mkdirSync(join(machine.root, dirname(path)), { recursive: true });
    writeFileSync(join(machine.root, path), text);
  };
  const unit = '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n';
  put('/lib/systemd/system/codedeploy-agent.service', unit);
  const config = '/etc/codedeploy-agent/conf/codedeployagent.yml';
  const before = ':deploy_control_endpoint: https://127.0.0.1:1\n';
  put(config, before);
  const arn = ':iam_user_arn: arn:aws:iam::123456789012:user/web-1\n:region: eu-central-1\n';
  put(
    '/etc/codedeploy-agent/conf/codedeploy.onpremises.yml',
    `${arn}:aws_access_key_id: AKIDEXAMPLE\n:aws_secret_access_key: x\n`,
  );
  machine.run('systemctl daemon-reload && systemctl enable --now codedeploy-agent');
  machine.run('slipway migrate-from-codedeploy --yes');
  const stateOf = (name: string) => machine.run(`systemctl show ${name} --property=Id,ActiveState,UnitFileState`);
  must(/activ[a-z]+\n(.|\n)*enabled/.test(stateOf('slipway-agent')), stateOf('slipway-agent'));
  must(stateOf('codedeploy-agent').includes('Id=slipway-agent.service'), 'the old name is not the new service');
  machine.run('slipway migrate-from-codedeploy --undo --yes');
  must(machine.run('systemctl is-active codedeploy-agent') === 'active', 'the official agent does not run again');
  must(machine.run('systemctl is-enabled codedeploy-agent') === 'enabled', 'the official agent is not enabled again');
  must(stateOf('codedeploy-agent').includes('Id=codedeploy-agent.service'), 'the old name is still the new service');
  must(machine.ask('systemctl is-active slipway-agent') === null, 'both agents run');
  must(readFileSync(join(machine.root, config), 'utf8') === before, 'the configuration is another');
  machine.run('systemctl disable --now codedeploy-agent && rm /lib/systemd/system/codedeploy-agent.service');
  machine.run('systemctl daemon-reload');
}

function missing(program: string): readonly string[] {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
  return found ? [] : [`${program} is not installed`];
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
