import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CertificateFacts, lookAtCertificate } from '../../src/cli/doctor/server/certificate.ts';
import { writersAmong } from '../../src/cli/doctor/server/locks.ts';
import { lookAtNamedFiles } from '../../src/cli/doctor/server/named-files.ts';
import { judgeFacts } from '../../src/cli/doctor/server/postgres.ts';
import { isInTheWay, kernelAddress, parseSockets } from '../../src/cli/doctor/server/sockets.ts';
import type { ServerOptions } from '../../src/cli/server-options.ts';
import type { PostgresFacts } from '../../src/server/store/look.ts';
import { systemClock } from '../../src/system/clock.ts';
import { certificateEnding, type MadeCertificate, makeAuthority, makeCertificate } from '../support/certificates.ts';
import { testIf, testWith } from '../support/needs.ts';
import { mayActAsNobody } from '../support/nobody.ts';
import { scratchFolder } from '../support/scratch.ts';

describe('The server’s doctor judges PostgreSQL:', () => {
  const sound: PostgresFacts = {
    ...{ version: 160_002, nowMs: 0, isStandby: false, maxConnections: 100, usedConnections: 5, mayCreate: true },
    blocked: [],
  };
  const judge = (facts: Partial<PostgresFacts>, nowMs = 0) =>
    judgeFacts({ ...sound, ...facts }, { url: 'postgres://me:secret@db/slipway', step: null, nowMs });

  test('one that is as it should be has no fault, and its password is not shown', () => {
    const findings = judge({});
    expect(findings.map(({ status }) => status)).toEqual(['ok', 'ok']);
    expect(JSON.stringify(findings)).not.toContain('secret');
  });

  test.each([
    ['one that is too old', { version: 140_011 }, /14\.11, which is too old/, /pg_upgrade/],
    ['a standby', { isStandby: true }, /standby/, /primary/],
    ['one that lets nobody make tables', { mayCreate: false }, /make tables/, /GRANT CREATE.* TO me/],
    [
      'one whose locks somebody holds',
      { blocked: [{ waitingMs: 9_000, by: 42, byWhom: 'psql' }] },
      /waits for 9 s for a lock that psql holds/,
      /pg_terminate_backend\(42\)/,
    ],
  ])('%s is a fault with its own remedy', (_, facts, detail, remedy) => {
    const [finding] = judge(facts);
    expect(finding).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(detail),
      remedy: expect.stringMatching(remedy),
    });
  });

  test('few free connections are a warning', () => {
    expect(judge({ usedConnections: 95 })[0]).toMatchObject({ status: 'warn', remedy: expect.stringMatching(/11/) });
  });

  test.each([
    [20 * 60_000, 'fail', /1200 s ahead/],
    [-90_000, 'warn', /90 s behind/],
    [30_000, 'ok', /by 30 s/],
  ])('a clock that is %i ms ahead of its own is %s', (aheadMs, status, detail) => {
    expect(judge({}, aheadMs)[1]).toMatchObject({ check: 'clock', status, detail: expect.stringMatching(detail) });
  });
});

describe('The server’s doctor finds who has a port:', () => {
  test('sockets are read as the kernel writes them', () => {
    const text = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:20D0 00000000:0000 0A 00000000:00000000 00:00000000 00000000   998        0 12345 1 0 100 0 0 10 0',
      '   1: 0100007F:20D0 0100007F:9C40 08 00000000:00000000 00:00000000 00000000     0        0 777 1 0 20 4 30 10 -1',
      '',
    ].join('\n');
    expect(parseSockets(text)).toEqual([
      { address: '0100007F', port: 8400, state: 'LISTEN', uid: 998, inode: 12345 },
      { address: '0100007F', port: 8400, state: 'CLOSE_WAIT', uid: 0, inode: 777 },
    ]);
  });

  test.each([
    ['127.0.0.1', '0100007F'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000001000000'],
    ['2001:db8::ff%eth0', 'B80D01200000000000000000FF000000'],
    ['no address', null],
  ])('%s is %s to the kernel', (address, kernel) => {
    expect(kernelAddress(address)).toBe(kernel);
  });

  test.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['0.0.0.0', '127.0.0.1', true],
    ['127.0.0.1', '0.0.0.0', true],
    ['::', '127.0.0.1', true],
    ['::', '::1', true],
    ['127.0.0.1', '::', true],
    ['127.0.0.2', '127.0.0.1', false],
    ['0.0.0.0', '::1', false],
    ['::1', '0.0.0.0', false],
    ['::1', '127.0.0.1', false],
    ['::ffff:0:0', '127.0.0.1', true],
  ])('a socket on %s is in the way of %s: %s', (socket, wanted, expected) => {
    const address = socket === '::ffff:0:0' ? '0000000000000000FFFF00000100007F' : (kernelAddress(socket) ?? '');
    expect(isInTheWay(address, kernelAddress(wanted))).toBe(expected);
  });

  test('locks for writing are read with the process that holds them, and those of other files are not', () => {
    const text = [
      '1: POSIX  ADVISORY  WRITE 4711 fe:00:99 120 120',
      '2: POSIX  ADVISORY  READ 4712 fe:00:99 124 124',
      '3: FLOCK  ADVISORY  WRITE 4713 fe:00:99 0 EOF',
      '4: POSIX  ADVISORY  WRITE 4714 fe:00:98 0 EOF',
      '4: -> POSIX  ADVISORY  WRITE 4715 fe:00:99 0 EOF',
    ].join('\n');
    expect(writersAmong(text, [99])).toEqual([4711]);
  });
});

describe('The server’s doctor judges a certificate:', () => {
  const look = (made: MadeCertificate, facts: Partial<CertificateFacts> = {}) =>
    lookAtCertificate({
      ...made,
      user: null,
      handedOver: [],
      nowMs: Date.now(),
      names: [],
      env: {},
      caFile: null,
      ...facts,
    });

  test('one that ends in ten days is a warning', async () => {
    using scratch = scratchFolder();
    const { findings } = await look(await certificateEnding(scratch.path, 10));
    expect(findings).toEqual([
      expect.objectContaining({ status: 'warn', detail: expect.stringMatching(/ends in (9|10) days/) }),
    ]);
  });

  testWith('openssl')('one with its whole chain, for the names that are configured, is in order', async () => {
    using scratch = scratchFolder();
    const root = await makeAuthority(scratch.path, 'root');
    const middle = await makeAuthority(scratch.path, 'middle', root);
    const made = await makeCertificate(middle, 'server');
    writeFileSync(made.certFile, `${readFileSync(made.certFile, 'utf8')}${readFileSync(middle.certFile, 'utf8')}`);
    const names = ['127.0.0.1', 'localhost'].map((host) => ({ host, setting: '--listen' }));
    const { findings } = await look(made, { caFile: root.certFile, names });
    expect(findings.filter(({ status }) => status === 'fail')).toEqual([]);
  });

  testWith('openssl')('one that stands behind its authority’s is told to be put first', async () => {
    using scratch = scratchFolder();
    const root = await makeAuthority(scratch.path, 'root');
    const made = await makeCertificate(root, 'server');
    writeFileSync(made.certFile, `${readFileSync(root.certFile, 'utf8')}${readFileSync(made.certFile, 'utf8')}`);
    const { findings } = await look(made);
    expect(findings).toContainEqual(
      expect.objectContaining({ status: 'fail', detail: expect.stringContaining('the key fits number 2') }),
    );
  });

  testWith('openssl')(
    'of an authority that nobody names it is a warning that its chain may lack something',
    async () => {
      using scratch = scratchFolder();
      const made = await makeCertificate(await makeAuthority(scratch.path, 'own'), 'server');
      const { findings } = await look(made);
      expect(findings).toContainEqual(
        expect.objectContaining({ status: 'warn', remedy: expect.stringContaining('--ca-file') }),
      );
    },
  );

  for (const [what, which, content, detail] of [
    ['no PEM', 'certFile', 'binary', /in PEM/],
    ['no key', 'keyFile', 'nothing', /holds no private key/],
  ] as const)
    testWith('openssl')(`a file that holds ${what} is a fault`, async () => {
      using scratch = scratchFolder();
      const made = await makeCertificate(await makeAuthority(scratch.path, 'own'), 'server');
      writeFileSync(made[which], content);
      const { findings } = await look(made);
      expect(findings).toContainEqual(
        expect.objectContaining({ status: 'fail', detail: expect.stringMatching(detail) }),
      );
    });
});

const OIDC = {
  ...{ issuer: 'https://sso.example', clientId: 'slipway', serverUrl: 'https://deploy.example' },
  rules: [{ values: ['staff'], role: 'viewer' }],
};

test('the settings of single sign-on are read with the secret that they name', () => {
  using scratch = scratchFolder();
  const [oidc, clientSecretFile] = [scratch.at('oidc.yml'), scratch.at('secret')];
  const look = () => lookAtNamedFiles({ oidc } as unknown as ServerOptions, null, systemClock);
  writeFileSync(oidc, JSON.stringify({ ...OIDC, clientSecretFile }));
  expect(look()).toEqual([
    expect.objectContaining({ status: 'fail', detail: expect.stringContaining('clientSecretFile') }),
  ]);
  writeFileSync(clientSecretFile, 'secret');
  expect(look()).toEqual([expect.objectContaining({ status: 'ok' })]);
});

testIf(mayActAsNobody, 'root, and a checkout that others can read')(
  'a secret that the server’s user cannot read is a fault, with the command that mends it',
  () => {
    using scratch = scratchFolder();
    const [oidc, clientSecretFile] = [scratch.at('oidc.yml'), scratch.at('secret')];
    chmodSync(scratch.path, 0o755);
    writeFileSync(clientSecretFile, 'secret', { mode: 0o600 });
    writeFileSync(oidc, JSON.stringify({ ...OIDC, clientSecretFile }), { mode: 0o644 });
    const [finding] = lookAtNamedFiles({ oidc } as unknown as ServerOptions, 'nobody', systemClock);
    expect(finding).toMatchObject({ status: 'fail', detail: `${clientSecretFile} cannot be read by nobody` });
    chmodSync(clientSecretFile, 0o644);
    expect(lookAtNamedFiles({ oidc } as unknown as ServerOptions, 'nobody', systemClock)).toEqual([
      expect.objectContaining({ status: 'ok' }),
    ]);
  },
);

test.each([
  ['loadBalancers', 'front:\n  kind: script\n  command: [/bin/true]\n', 'ok', /names 1/],
  ['loadBalancers', 'front:\n  kind: nothing\n', 'fail', /front\.kind/],
  ['loadBalancers', null, 'fail', /cannot be read/],
  ['alarms', 'up:\n  kind: http\n  url: http://127.0.0.1:1/\n', 'ok', /names 1/],
  ['alarms', 'up: [', 'fail', /not YAML/],
  ['hooks', 'smoke: { kind: program, command: /bin/true }\n', 'ok', /names 1/],
  ['hooks', 'smoke: { kind: function }\n', 'fail', /smoke\.kind/],
] as const)('a file for --%s with %j is %s', (option, text, status, detail) => {
  using scratch = scratchFolder();
  const file = scratch.at('names.yml');
  if (text !== null) writeFileSync(file, text);
  const options = { [option]: file } as unknown as ServerOptions;
  expect(lookAtNamedFiles(options, null, systemClock)).toEqual([
    expect.objectContaining({ status, detail: expect.stringMatching(detail) }),
  ]);
});
