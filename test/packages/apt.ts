/** The repository for apt, used as `docs/install.md` says: a booted Debian installs from it, upgrades, and takes nothing that was changed. */
import { execFileSync } from 'node:child_process';
import { createReadStream, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { addToRepository } from '../../packaging/repository.ts';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { commandsOf } from '../docs/blocks.ts';
import { httpServer } from '../support/http-server.ts';
import { makeNextPackage } from '../support/next-package.ts';
import { forgetKeys, signingKey } from '../support/signing-key.ts';
import { bootMachine, type Machine } from '../systemd/machine.ts';

export interface AptOnMachine {
  /** For the machine's file system. */
  readonly folder: string;
  /** With the package for amd64, as `npm run package -- --repository` has made it. */
  readonly repository: string;
  /** For the next package. Its keyring is the one of this process. */
  readonly signKey: string;
  readonly version: string;
  /** Text of docs/install.md. */
  readonly page: string;
  /** Throws unless this is the version that was built. */
  saysItsBuild(said: string, packing: string): void;
}

const POOL = 'pool/main/s/slipway';
const SUITE = 'dists/stable';
/** Earlier than every commit. A package of an older commit must reach the hosts, too. */
const EARLY_SECONDS = 1_500_000_000;

export async function installsByApt(options: AptOnMachine): Promise<void> {
  const { folder, repository, signKey, version, page, saysItsBuild } = options;
  await using server = await httpServer(filesOf(repository));
  // The other sources are out of reach without a network.
  const prepare = (root: string) => rmSync(join(root, 'etc/apt/sources.list'), { force: true });
  await using machine = await bootMachine(folder, {}, 'shared', { prepare });
  const [fetchKey = '', addSource = '', install = '', ...more] = commandsOf(page)
    .map(({ text }) => text.replaceAll('https://packages.example.com', server.url))
    .filter((text) => /keyring|apt-get update/.test(text));
  must(fetchKey.startsWith('curl ') && install !== '' && more.length === 0, 'the page has other commands');
  // By this machine's curl: the smallest Debian has none.
  await execa`/bin/sh -c ${fetchKey.replace(' /usr/', ` ${quoteForShell(machine.root)}/usr/`)}`;
  machine.run(addSource);
  const said = await apt(machine, install);
  must(!/^[WE]:/m.test(said), said);
  saysItsBuild(machine.run('slipway --version'), 'deb');
  const policy = machine.run('apt-cache policy');
  must(policy.includes('o=Slipway,a=stable'), `unattended upgrades would not find it: ${policy}`);
  writeFileSync(join(machine.root, 'etc/slipway/server.env'), '# mine\n');

  const next = join(folder, `slipway_${version}+next_amd64.deb`);
  makeNextPackage(join(repository, POOL, `slipway_${version}_amd64.deb`), next);
  addToRepository({ folder: repository, debs: [next], signKey, timeSeconds: EARLY_SECONDS });
  await refusesChangedPackage(machine, join(repository, POOL, basename(next)));
  must(versionOn(machine) === version, `a changed package was installed: ${versionOn(machine)}`);
  await apt(machine, 'apt-get update && apt-get upgrade --yes');
  must(versionOn(machine) === `${version}+next`, `the upgrade has brought ${versionOn(machine)}`);
  must(machine.run('cat /etc/slipway/server.env') === '# mine', 'the upgrade has replaced the settings');
  await refusesChangedIndexes(machine, join(repository, SUITE), folder);
}

async function refusesChangedPackage(machine: Machine, file: string): Promise<void> {
  await apt(machine, 'apt-get update');
  const bytes = readFileSync(file);
  const changed = Buffer.from(bytes);
  const middle = Math.floor(changed.length / 2);
  changed.writeUInt8(changed.readUInt8(middle) ^ 1, middle);
  writeFileSync(file, changed);
  await refused(machine, 'apt-get install --yes slipway', /Hash Sum mismatch/);
  writeFileSync(file, bytes);
}

/** Each time as a host that has no lists yet: one that has some goes on with those. */
async function refusesChangedIndexes(machine: Machine, suite: string, folder: string): Promise<void> {
  const packages = join(suite, 'main/binary-amd64');
  const lists = readdirSync(packages, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const signed = [join(suite, 'InRelease')];
  const stranger = join(folder, 'stranger');
  signingKey(stranger);
  const release = readFileSync(join(suite, 'Release'));
  const sign = ['--homedir', stranger, '--batch', '--clearsign', '--output', '-'];
  const strangers = execFileSync('gpg', sign, { input: release, stdio: ['pipe', 'pipe', 'ignore'] });
  forgetKeys(stranger);
  const cases: readonly [readonly string[], (bytes: Buffer) => Buffer, RegExp][] = [
    [lists, (bytes) => Buffer.concat([bytes, Buffer.from('x')]), /Hash Sum mismatch|unexpected size/],
    [signed, (bytes) => Buffer.from(bytes.toString().replace('Label: Slipway', 'Label: Slipwaz')), /BADSIG|invalid/],
    [signed, () => strangers, /NO_PUBKEY/],
  ];
  for (const [files, change, cause] of cases) {
    const before = files.map((file) => ({ file, bytes: readFileSync(file) }));
    for (const { file, bytes } of before) writeFileSync(file, change(bytes));
    machine.run('rm -rf /var/lib/apt/lists/*');
    await refused(machine, 'apt-get update', cause);
    must(versionOffered(machine) === null, `apt offers what nobody has signed: ${versionOffered(machine)}`);
    for (const { file, bytes } of before) writeFileSync(file, bytes);
  }
}

async function apt(machine: Machine, command: string): Promise<string> {
  // Beside, because this process is the web server.
  return machine.runBeside(`{ ${command}; } 2>&1`, { LC_ALL: 'C' });
}

async function refused(machine: Machine, command: string, cause: RegExp): Promise<void> {
  const said = await apt(machine, command).catch((error: Error) => error.message);
  must(cause.test(said) && /\nended with [1-9]/.test(said), `${command} is not refused: ${said}`);
}

function versionOn(machine: Machine): string {
  return machine.run("dpkg-query --show --showformat '${Version}' slipway");
}

/** @returns null when no repository has the package */
function versionOffered(machine: Machine): string | null {
  return machine.ask('apt-cache madison slipway') || null;
}

function filesOf(folder: string): RequestListener {
  return (request, response) => {
    const file = createReadStream(join(folder, decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)));
    file.on('error', () => response.writeHead(404).end()).pipe(response);
  };
}

function must(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise);
}
