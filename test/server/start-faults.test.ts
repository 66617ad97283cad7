import { chmodSync, mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { addServerOptions } from '../../src/cli/server-options.ts';
import { privateCertificates } from '../support/certificates.ts';
import { describeIf, testIf, testWith } from '../support/needs.ts';
import { AS_NOBODY, mayActAsNobody } from '../support/nobody.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway, SLIPWAY } from '../support/slipway.ts';

const listen = ['--listen', '127.0.0.1:0', '--s3-listen', '127.0.0.1:0'];
const start = (dataDir: string, ...args: readonly string[]) =>
  runSlipway(['server', '--data-dir', dataDir, ...listen, ...args]);

describe('A server that cannot start says why, and what to do in this case:', () => {
  test('a file is in the data folder’s place', async () => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('file'), '');
    for (const dataDir of [scratch.at('file'), scratch.at('file/data')]) {
      expect(await start(dataDir)).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/\[SERVER_DATA_FOLDER\]\n {2}to do: A file is where a folder must be/),
      });
    }
  });

  test('the data folder is named from a working folder that was removed, and nothing is made elsewhere', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('gone'));
    // The shell stands in the folder, as a person would.
    const script = 'cd "$1" && rmdir "$1" && shift && exec "$@"';
    const words = [scratch.at('gone'), process.execPath, SLIPWAY, 'server', '--data-dir', 'relative', ...listen];
    const { exitCode, stderr } = await execa('sh', ['-c', script, 'sh', ...words], { reject: false });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/relative begins at .*gone, and that folder was removed \[CLI_FOLDER_GONE\]/);
    expect(readdirSync('/')).not.toContain('relative');
  });

  for (const [what, which, content, message] of [
    ['no PEM', 'certFile', 'binary', /holds no certificate in PEM/],
    ['no key', 'keyFile', 'nothing', /holds no private key in PEM/],
    [
      'a damaged certificate',
      'certFile',
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
      /cannot be used/,
    ],
  ] as const)
    testWith('openssl')(`a TLS file holds ${what}`, async () => {
      using scratch = scratchFolder();
      const files = await privateCertificates(scratch.path);
      writeFileSync(files[which], content);
      const { status, stderr } = await start(scratch.at('data'), ...tls(files));
      expect(status).toBe(2);
      expect(stderr).toMatch(message);
      expect(stderr).toMatch(/\[CONFIG_INVALID\]\n {2}to do: /);
    });

  testWith('openssl')('key and certificate do not belong together', async () => {
    using scratch = scratchFolder();
    using other = scratchFolder();
    const files = await privateCertificates(scratch.path);
    const { keyFile } = await privateCertificates(other.path);
    const { stderr } = await start(scratch.at('data'), ...tls({ ...files, keyFile }));
    expect(stderr).toMatch(/does not belong to the first certificate in .*\n {2}to do: Put back the key/);
  });

  testWith('openssl')('the key is locked with a passphrase', async () => {
    using scratch = scratchFolder();
    const files = await privateCertificates(scratch.path);
    const keyFile = scratch.at('locked.pem');
    await execa('openssl', ['pkey', '-in', files.keyFile, '-aes256', '-passout', 'pass:secret', '-out', keyFile]);
    const { stderr } = await start(scratch.at('data'), ...tls({ ...files, keyFile }));
    expect(stderr).toMatch(/is locked with a passphrase .*\n {2}to do: .*openssl pkey/);
  });
});

test.each([
  ['an empty data folder', ['--data-dir', ''], /--data-dir .* names no folder/],
  ['a public S3 endpoint without a scheme', ['--public-s3-endpoint', 's3.example.test:8401'], /no http:\/\/ or https:/],
  [
    'a public S3 endpoint of another scheme',
    ['--public-s3-endpoint', 'ftp://s3.example.test'],
    /no http:\/\/ or https:/,
  ],
])('A server that is given %s does not start, and makes nothing', async (_, flags, message) => {
  using scratch = scratchFolder();
  const words = [SLIPWAY, 'server', '--data-dir', scratch.at('data'), ...listen, ...flags];
  const { exitCode, stderr } = await execa(process.execPath, words, { reject: false, cwd: scratch.path });
  expect(exitCode).not.toBe(0);
  expect(stderr).toMatch(message);
  expect(readdirSync(scratch.path)).toEqual([]);
});

test('A variable of the server that is empty, as in a template, counts as not set', async () => {
  using scratch = scratchFolder();
  const variables = addServerOptions(new Command()).options.flatMap(({ envVar }) => envVar ?? []);
  expect(variables).toContain('SLIPWAY_S3_LISTEN');
  const empty = Object.fromEntries(variables.map((name) => [name, '']));
  mkdirSync(scratch.at('data/server.lock'), { recursive: true });
  // It comes as far as its data folder, which it cannot use.
  const { stderr } = await runSlipway(['server', '--data-dir', scratch.at('data')], empty);
  rmdirSync(scratch.at('data/server.lock'));
  expect(stderr).toContain('[SERVER_DATA_FOLDER]');
});

test('A variable that names the data folder takes the place of the default, and a flag the place of both', async () => {
  using scratch = scratchFolder();
  const create = ['keys', 'create', '--role', 'admin'];
  expect(await runSlipway(create, { SLIPWAY_DATA_DIR: scratch.at('a') })).toMatchObject({ status: 0 });
  expect(readdirSync(scratch.path)).toEqual(['a']);
  const both = await runSlipway([...create, '--data-dir', scratch.at('b')], { SLIPWAY_DATA_DIR: scratch.at('c') });
  expect(both).toMatchObject({ status: 0 });
  expect(readdirSync(scratch.path)).toEqual(['a', 'b']);
});

test('A variable of the server that is wrong is refused by the server, and told by its doctor, which it does not stop', async () => {
  using scratch = scratchFolder();
  const wrong = { SLIPWAY_S3_LISTEN: 'nowhere' };
  const started = await runSlipway(['server', '--data-dir', scratch.at('data')], wrong);
  expect(started.stderr).toMatch(/'nowhere' from env 'SLIPWAY_S3_LISTEN' is invalid/);
  expect(started.status).toBe(2);
  const asked = await runSlipway(['server', 'doctor', '--data-dir', scratch.at('data')], wrong);
  expect(asked.stdout).toMatch(/settings .*SLIPWAY_S3_LISTEN/);
  expect(asked.stderr).toBe('');
  expect(readdirSync(scratch.path)).toEqual([]);
});

describeIf(process.getuid?.() === 0, 'root')('On mounts, a server that cannot start says why:', () => {
  const mounted = (scratch: ScratchFolder, options: string) => {
    mkdirSync(scratch.at('disk'));
    return execa('mount', ['-t', 'tmpfs', '-o', options, 'slipway-test', scratch.at('disk')]);
  };

  test.each(['disk', 'disk/data'])('the data folder %s is on a mount that is read-only', async (dataDir) => {
    using scratch = scratchFolder();
    await mounted(scratch, 'ro');
    try {
      const { status, stderr } = await start(scratch.at(dataDir));
      expect(status).toBe(2);
      expect(stderr).toMatch(/mounted read-only \[SERVER_DATA_FOLDER\]\n {2}to do: `mount -o remount,rw .*disk`/);
    } finally {
      await execa('umount', [scratch.at('disk')]);
    }
  });

  test.each([
    ['at once', 'size=4k', /\[SERVER_DATA_FOLDER\]\n {2}to do: Make room on .*disk/],
    ['with the database', 'size=150k', /\[SERVER_DATABASE_UNREACHABLE\]\n {2}to do: The disk of .*slipway\.db is full/],
  ])('the disk of the data folder is full %s', async (_, options, message) => {
    using scratch = scratchFolder();
    await mounted(scratch, options);
    try {
      if (options === 'size=4k') writeFileSync(scratch.at('disk/file'), Buffer.alloc(4096));
      const { stderr } = await start(scratch.at('disk'));
      expect(stderr).toMatch(message);
    } finally {
      await execa('umount', [scratch.at('disk')]);
    }
  });
});

testIf(mayActAsNobody, 'root, and a checkout that others can read')(
  'A server whose data folder belongs to another user says who must have it',
  async () => {
    using scratch = scratchFolder();
    chmodSync(scratch.path, 0o755);
    const words = [process.execPath, SLIPWAY, 'server', '--data-dir', scratch.at('data'), ...listen];
    const [program, ...args] = [...AS_NOBODY, ...words];
    const { stderr } = await execa(program, args, { reject: false });
    expect(stderr).toMatch(/\[SERVER_DATA_FOLDER\]\n {2}to do: .*chown -R nobody: .*data/);
  },
);

function tls({ certFile, keyFile }: { readonly certFile: string; readonly keyFile: string }): string[] {
  return ['--tls-cert', certFile, '--tls-key', keyFile];
}
