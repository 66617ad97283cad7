/** The repository for apt, as apt itself takes it: from a web server, and from nobody who has changed a byte of it. */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa, execaSync } from 'execa';
import { expect, test, vi } from 'vitest';
import { addToRepository, KEY_FILE } from '../../packaging/repository.ts';
import { httpServer } from '../support/http-server.ts';
import { describeWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { forgetKeys, signingKey } from '../support/signing-key.ts';

/** A package that is nothing but its name and version. */
function smallPackage(scratch: ScratchFolder, version: string): string {
  const folder = scratch.at(`small-${version}`);
  mkdirSync(join(folder, 'DEBIAN'), { recursive: true });
  writeFileSync(
    join(folder, 'DEBIAN/control'),
    `Package: slipway\nVersion: ${version}\nArchitecture: amd64\nMaintainer: Somebody <a@example.com>\nDescription: small\n`,
  );
  const file = scratch.at(`slipway_${version}_amd64.deb`);
  execaSync('dpkg-deb', ['--root-owner-group', '--build', folder, file]);
  return file;
}

/** A key that signs, in a keyring of the test's own. @returns its user id */
function ownKey(scratch: ScratchFolder): string {
  vi.stubEnv('GNUPGHOME', scratch.at('gnupg'));
  return signingKey(scratch.at('gnupg'));
}

function release(scratch: ScratchFolder): void {
  forgetKeys(scratch.at('gnupg'));
  vi.unstubAllEnvs();
}

/** apt with folders of its own, told of one repository. */
function aptOf(scratch: ScratchFolder, url: string, keyring: string) {
  for (const folder of ['apt/lists/partial', 'apt/archives/partial', 'apt/etc'])
    mkdirSync(scratch.at(folder), { recursive: true });
  writeFileSync(scratch.at('apt/sources.list'), `deb [arch=amd64 signed-by=${keyring}] ${url} stable main\n`);
  writeFileSync(scratch.at('apt/status'), '');
  const settings = {
    'Dir::Etc': scratch.at('apt/etc'),
    'Dir::Etc::sourcelist': scratch.at('apt/sources.list'),
    'Dir::State': scratch.at('apt'),
    'Dir::State::lists': scratch.at('apt/lists'),
    'Dir::State::status': scratch.at('apt/status'),
    'Dir::Cache': scratch.at('apt'),
    'APT::Architecture': 'amd64',
    'APT::Sandbox::User': 'root',
    'Acquire::Retries': '0',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  const environment = { env: { http_proxy: '', https_proxy: '', LC_ALL: 'C' } };
  return (...args: readonly string[]) =>
    execa('apt-get', [...options, ...args], { ...environment, cwd: scratch.path, reject: false, all: true });
}

describeWith(
  'gpg',
  'apt-get',
  'dpkg-deb',
)('the repository', () => {
  test('gives apt the newest package, keeps older ones, and is refused when anything in it was changed', async () => {
    using scratch = scratchFolder();
    const signKey = ownKey(scratch);
    try {
      const folder = scratch.at('repository');
      const add = (version: string, timeSeconds: number) =>
        addToRepository({ folder, debs: [smallPackage(scratch, version)], signKey, timeSeconds });
      add('1.0', 1_700_000_000);
      // Of an older commit: apt ignores a list whose date is before that of the last one.
      add('1.1', 1_600_000_000);
      expect(readFileSync(join(folder, 'dists/stable/Release'), 'utf8')).toContain(
        'Date: Tue, 14 Nov 2023 22:13:20 UTC',
      );
      await using server = await httpServer((request, response) => {
        try {
          response.end(readFileSync(join(folder, new URL(request.url ?? '/', 'http://x').pathname)));
        } catch {
          response.writeHead(404).end();
        }
      });
      const apt = aptOf(scratch, server.url, join(folder, KEY_FILE));
      const updated = await apt('update');
      expect(updated.exitCode, updated.all).toBe(0);
      expect(updated.all).not.toMatch(/^[WE]:/m);
      for (const [wish, version] of [
        ['slipway', '1.1'],
        ['slipway=1.0', '1.0'],
      ] as const) {
        const got = await apt('download', wish);
        expect(got.exitCode, got.all).toBe(0);
        const sum = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
        const [name = ''] = readdirSync(scratch.path).filter((one) => one.startsWith(`slipway_${version}_`));
        expect(sum(scratch.at(name))).toBe(sum(join(folder, `pool/main/s/slipway/slipway_${version}_amd64.deb`)));
      }

      const suite = join(folder, 'dists/stable');
      const packages = join(suite, 'main/binary-amd64');
      appendFileSync(join(packages, 'Packages.gz'), 'x');
      for (const name of readdirSync(join(packages, 'by-hash/SHA256')))
        appendFileSync(join(packages, 'by-hash/SHA256', name), 'x');
      appendFileSync(join(packages, 'Packages'), '\nPackage: slipway\nVersion: 9\n');
      const other = aptOf(scratch, `${server.url}/.`, join(folder, KEY_FILE));
      expect((await other('update')).all).toMatch(/Hash Sum mismatch|File has unexpected size/);
      for (const name of ['InRelease', 'Release']) {
        writeFileSync(
          join(suite, name),
          readFileSync(join(suite, name), 'utf8').replace('Label: Slipway', 'Label: Slipw4y'),
        );
      }
      expect((await other('update')).all).toMatch(/BADSIG|invalid/);
    } finally {
      release(scratch);
    }
  });

  test('is left as it was when the key cannot sign, and when it has another package of the same version', () => {
    using scratch = scratchFolder();
    const signKey = ownKey(scratch);
    try {
      const folder = scratch.at('repository');
      const debs = [smallPackage(scratch, '1.0')];
      expect(() => addToRepository({ folder, debs, signKey: 'nobody@example.com', timeSeconds: 1 })).toThrow(
        /No secret key|secret key not available/,
      );
      expect(readdirSync(join(folder, 'dists/stable'))).toEqual([]);

      const add = () => addToRepository({ folder, debs, signKey, timeSeconds: 1 });
      add();
      const published = join(folder, 'pool/main/s/slipway/slipway_1.0_amd64.deb');
      const bytes = readFileSync(published);
      for (const deb of debs) appendFileSync(deb, 'x');
      expect(add).toThrow(/hosts that have the version would not upgrade/);
      expect(readFileSync(published)).toEqual(bytes);
    } finally {
      release(scratch);
    }
  });
});
