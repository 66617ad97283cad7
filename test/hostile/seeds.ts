/** Honest inputs, made by the system's own tools where they are there, for the fuzzer to damage. */
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { ZipFile } from 'yazl';
import type { HostileCase } from './case-runner.ts';

export interface Seed extends HostileCase {
  readonly name: string;
}

const APPSPEC = `version: 0.0
os: linux
file_exists_behavior: OVERWRITE
files:
  - source: /
    destination: /srv/app
permissions:
  - object: /srv/app
    pattern: "**"
    except: [a, "b*"]
    owner: www
    group: www
    mode: 0755
    acls:
      - "u:deploy:rwx"
    context: {user: system_u, type: httpd_t, range: s0-s1:c0.c3}
    type: [file, directory]
hooks:
  BeforeInstall: &hook
    - location: scripts/run.sh
      timeout: 300
      runas: deploy
  AfterInstall: *hook
`;

const TAR_KINDS: readonly (readonly [string, readonly string[]])[] = [
  ['v7', ['--format=v7']],
  ['ustar', ['--format=ustar']],
  ['gnu', ['--format=gnu']],
  ['gnu-sparse', ['--format=gnu', '--sparse']],
  ...['0.0', '0.1', '1.0'].map((version) => {
    return [`pax-sparse-${version}`, ['--format=pax', '--sparse', `--sparse-version=${version}`]] as const;
  }),
  ['pax', ['--format=pax']],
];
/** Values that differ from run to run: the times of reading, and the number of tar's own process. */
const PAX_REPEATABLE = '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime';

/** @param folder exists, is empty */
export async function makeSeeds(folder: string): Promise<readonly Seed[]> {
  const source = join(folder, 'source');
  makeTree(source);
  const seeds: Seed[] = [];
  for (const [name, options] of TAR_KINDS) {
    const pax = options.includes('--format=pax') ? [PAX_REPEATABLE] : [];
    const skip = /v7|ustar/.test(name) ? ['--exclude=*long*'] : [];
    const file = join(folder, `${name}.tar`);
    await execa('tar', ['-C', source, '-b1', '--sort=name', ...options, ...pax, ...skip, '-cf', file, '.']);
    const bytes = readFileSync(file);
    seeds.push({ name, kind: 'tar', bytes }, { name: `${name}.gz`, kind: 'tgz', bytes: gzipSync(bytes) });
  }
  for (const [program, args] of [
    ['zip', ['-qXry']],
    ['bsdtar', ['--format=zip', '-cf']],
  ] as const) {
    const file = join(folder, `${program}.zip`);
    const names = readdirSync(source).sort();
    const { failed } = await execa(program, [...args, file, ...names], { cwd: source, reject: false });
    if (!failed) seeds.push({ name: program, kind: 'zip', bytes: readFileSync(file) });
  }
  seeds.push({ name: 'yazl', kind: 'zip', bytes: await zipByYazl(false) });
  seeds.push({ name: 'yazl-zip64', kind: 'zip', bytes: await zipByYazl(true) });
  seeds.push({ name: 'appspec', kind: 'appspec', bytes: Buffer.from(APPSPEC) });
  return seeds;
}

function makeTree(path: string): void {
  mkdirSync(join(path, 'scripts'), { recursive: true });
  writeFileSync(join(path, 'appspec.yml'), APPSPEC);
  writeFileSync(join(path, 'scripts/run.sh'), '#!/bin/sh\necho hello\n', { mode: 0o755 });
  writeFileSync(join(path, 'empty'), '');
  writeFileSync(join(path, 'ünï'), 'unicode '.repeat(100));
  mkdirSync(join(path, `long-${'a'.repeat(110)}`));
  writeFileSync(join(path, `long-${'a'.repeat(110)}`, 'b'.repeat(110)), 'deep');
  symlinkSync('scripts/run.sh', join(path, 'link'));
  symlinkSync(`./${'scripts/../'.repeat(12)}empty`, join(path, 'long-link'));
  linkSync(join(path, 'appspec.yml'), join(path, 'same'));
  const file = openSync(join(path, 'sparse'), 'w');
  for (let n = 0; n < 6; n += 1) writeSync(file, Buffer.alloc(4096, `${n}`), 0, 4096, n * 65_536);
  ftruncateSync(file, 6 * 65_536);
  closeSync(file);
  for (const name of readdirSync(path, { recursive: true }) as string[]) {
    if (!name.endsWith('link')) utimesSync(join(path, name), 1_000_000_000, 1_000_000_000.5);
  }
}

function zipByYazl(forceZip64Format: boolean): Promise<Buffer> {
  const zip = new ZipFile();
  const mtime = new Date(2020, 1, 1);
  for (const compress of [true, false]) {
    zip.addBuffer(Buffer.from('content '.repeat(50)), `folder/${compress}`, { mtime, compress, forceZip64Format });
  }
  zip.addBuffer(Buffer.from('folder/true'), 'link', { mtime, mode: 0o120777, forceZip64Format });
  zip.addEmptyDirectory('empty', { mtime });
  zip.end({ forceZip64Format, comment: '' });
  return buffer(zip.outputStream as NodeJS.ReadableStream);
}
