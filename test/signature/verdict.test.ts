import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeFile } from '../../src/signature/signed-file.ts';
import { matchesPatterns, parseSigners } from '../../src/signature/signers.ts';
import { parseSshKey } from '../../src/signature/ssh-key.ts';
import { Malformed, wireString } from '../../src/signature/ssh-wire.ts';
import { judge, parseSignature, type SignatureFormat, type Verdict } from '../../src/signature/verdict.ts';
import { describeWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { minisignKeyPair, type SshKeyPair, sshKeyPair } from '../support/signing.ts';

const NOW = Date.UTC(2026, 5, 1);

function bundleIn(scratch: ScratchFolder): string {
  writeFileSync(scratch.at('app.tgz'), 'what is deployed\n'.repeat(1000));
  return scratch.at('app.tgz');
}

/** Verdict on a bundle for the application `shop`. */
async function judged(bundle: string, signatureFile: string, signersText: string): Promise<Verdict> {
  const { signers, problems } = parseSigners(signersText);
  expect(problems).toEqual([]);
  const format: SignatureFormat = signatureFile.endsWith('.minisig') ? 'minisign' : 'ssh';
  return judgeFile(bundle, [{ format, file: signatureFile }], signers, 'shop', NOW);
}

describeWith('ssh-keygen')('what ssh-keygen signs', () => {
  test.each([
    ['ed25519', []],
    ['rsa', ['-b', '2048']],
    ['rsa', ['-b', '4096']],
    ['ecdsa', ['-b', '256']],
    ['ecdsa', ['-b', '384']],
    ['ecdsa', ['-b', '521']],
  ])('is trusted with a key of the type %s %j, and not with one byte changed', async (type, more) => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key', type, ...more);
    const signature = key.sign(bundle);
    const [, fingerprint = ''] = execFileSync('ssh-keygen', ['-l', '-f', `${key.keyFile}.pub`], {
      encoding: 'utf8',
    }).split(' ');
    expect(await judged(bundle, signature, key.line('ci'))).toEqual({
      isTrusted: true,
      signer: 'ci',
      keyId: fingerprint,
    });
    const content = readFileSync(bundle);
    content[500] = (content[500] ?? 0) ^ 1;
    writeFileSync(bundle, content);
    expect(await judged(bundle, signature, key.line('ci'))).toMatchObject({
      code: 'SIGNATURE_MISMATCH',
      reason: `its signature names the key of ci (${fingerprint}), but does not fit these bytes`,
    });
  });

  test('is verified alike by ssh-keygen and here, over both of its hashes', async () => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    writeFileSync(scratch.at('signers'), key.line('ci'));
    for (const hash of ['sha256', 'sha512']) {
      const args = ['-q', '-Y', 'sign', '-O', `hashalg=${hash}`, '-n', 'slipway-bundle', '-f', key.keyFile];
      writeFileSync(`${bundle}.sig`, execFileSync('ssh-keygen', args, { input: readFileSync(bundle) }));
      const verify = [
        '-Y',
        'verify',
        '-f',
        scratch.at('signers'),
        '-I',
        'ci',
        '-n',
        'slipway-bundle',
        '-s',
        `${bundle}.sig`,
      ];
      expect(execFileSync('ssh-keygen', verify, { input: readFileSync(bundle), encoding: 'utf8' })).toContain('Good');
      expect(await judged(bundle, `${bundle}.sig`, key.line('ci'))).toMatchObject({ isTrusted: true });
    }
  });

  test('a signature with a key that nobody trusts is refused, and the key is named', async () => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const [mine, other] = [sshKeyPair(scratch, 'mine'), sshKeyPair(scratch, 'other')];
    const { fingerprint } = parseSshKey(Buffer.from(other.publicKey.split(' ')[1] ?? '', 'base64'));
    expect(await judged(bundle, other.sign(bundle), mine.line('ci'))).toMatchObject({
      code: 'SIGNATURE_UNTRUSTED',
      reason: expect.stringContaining(fingerprint),
    });
  });

  test.each([
    ['slipway-bundle', '', true],
    ['slipway-bundle:shop', '', true],
    ['slipway-bundle:bank', '', false],
    ['slipway-bundle:shop', 'namespaces="slipway-bundle:shop"', true],
    ['slipway-bundle', 'namespaces="slipway-bundle:shop"', false],
    ['slipway-bundle:shop', 'namespaces="git,slipway-bundle*"', true],
    ['slipway-bundle:shop', 'namespaces="slipway-bundle*,!*:shop"', false],
    ['file', '', false],
    ['git', '', false],
    ['git', 'namespaces="git"', false],
  ])(
    'in the namespace %s, by a signer with %j: trusted for the application shop: %s',
    async (namespace, options, isTrusted) => {
      using scratch = scratchFolder();
      const bundle = bundleIn(scratch);
      const key = sshKeyPair(scratch, 'key');
      const verdict = await judged(bundle, key.sign(bundle, namespace), key.line('ci', options));
      expect(verdict).toMatchObject(isTrusted ? { isTrusted } : { isTrusted, code: 'SIGNATURE_WRONG_PURPOSE' });
    },
  );

  test.each([
    ['valid-before="20260531Z"', 'SIGNATURE_EXPIRED', 'was valid until 2026-05-31T00:00:00.000Z'],
    ['valid-before="202606010000Z"', 'SIGNATURE_EXPIRED', 'was valid until 2026-06-01T00:00:00.000Z'],
    ['valid-after="20260601000001Z"', 'SIGNATURE_EXPIRED', 'is not valid before 2026-06-01T00:00:01.000Z'],
  ])('a signature by a key with %s is refused today: %s', async (options, code, reason) => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    const signature = key.sign(bundle);
    expect(await judged(bundle, signature, key.line('ci', options))).toMatchObject({
      code,
      reason: expect.stringContaining(reason),
    });
    // What another line of the same key allows is allowed.
    const renewed = `${key.line('ci', options)}${key.line('ci', 'valid-after="20260101",valid-before="20270101"')}`;
    expect(await judged(bundle, signature, renewed)).toMatchObject({ isTrusted: true });
  });

  test('cut off anywhere, or followed by something, says that it cannot be read', async () => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const key = sshKeyPair(scratch, 'key');
    const whole = readFileSync(key.sign(bundle));
    for (let length = 0; length < whole.length - 1; length += 7) {
      writeFileSync(`${bundle}.sig`, whole.subarray(0, length));
      const verdict = await judged(bundle, `${bundle}.sig`, key.line('ci'));
      expect(verdict).toMatchObject({
        code: 'SIGNATURE_UNREADABLE',
        reason: expect.stringContaining('cannot be read'),
      });
    }
    writeFileSync(`${bundle}.sig`, Buffer.concat([whole, Buffer.from('more')]));
    expect(await judged(bundle, `${bundle}.sig`, key.line('ci'))).toMatchObject({ code: 'SIGNATURE_UNREADABLE' });
    writeFileSync(`${bundle}.sig`, Buffer.alloc(70_000, 'A'));
    expect(await judged(bundle, `${bundle}.sig`, key.line('ci'))).toMatchObject({
      code: 'SIGNATURE_UNREADABLE',
      reason: expect.stringContaining('larger than 65536 bytes'),
    });
  });
});

describeWith('ssh-keygen')('what ssh-keygen signs with a certificate', () => {
  /** @returns the signature of a key that `ca` has certified */
  function certified(scratch: ScratchFolder, bundle: string, ca: SshKeyPair, ...options: readonly string[]): string {
    const key = sshKeyPair(scratch, 'certified');
    const issue = ['-q', '-s', ca.keyFile, '-I', 'alice 42', ...options, `${key.keyFile}.pub`];
    execFileSync('ssh-keygen', issue, { stdio: 'pipe' });
    const args = ['-q', '-Y', 'sign', '-n', 'slipway-bundle', '-f', `${key.keyFile}-cert.pub`];
    writeFileSync(`${bundle}.sig`, execFileSync('ssh-keygen', args, { input: readFileSync(bundle) }));
    return `${bundle}.sig`;
  }

  test.each([
    [['-n', 'alice@example.com'], 'cert-authority', { isTrusted: true, signer: '*@example.com' }],
    [['-n', 'alice@example.com'], 'cert-authority,namespaces="slipway-bundle"', { isTrusted: true }],
    [['-n', 'alice@example.com'], '', { code: 'SIGNATURE_UNTRUSTED' }],
    [['-n', 'alice@example.net'], 'cert-authority', { code: 'SIGNATURE_UNTRUSTED' }],
    [[], 'cert-authority', { code: 'SIGNATURE_UNTRUSTED' }],
    [['-n', 'alice@example.com', '-V', '20200101:20200201'], 'cert-authority', { code: 'SIGNATURE_EXPIRED' }],
    [['-n', 'alice@example.com', '-h'], 'cert-authority', { code: 'SIGNATURE_UNREADABLE' }],
    [['-n', 'alice@example.com', '-O', 'force-command=x'], 'cert-authority', { code: 'SIGNATURE_UNREADABLE' }],
  ])('made with %j, by an authority whose line has %j', async (options, line, verdict) => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const ca = sshKeyPair(scratch, 'ca');
    const signature = certified(scratch, bundle, ca, ...options);
    expect(await judged(bundle, signature, ca.line('*@example.com', line))).toMatchObject(verdict);
  });

  test('counts neither when the authority is another, nor when the bundle is', async () => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const [ca, other] = [sshKeyPair(scratch, 'ca', 'rsa'), sshKeyPair(scratch, 'other')];
    const signature = certified(scratch, bundle, ca, '-n', 'alice');
    expect(await judged(bundle, signature, ca.line('alice', 'cert-authority'))).toMatchObject({ isTrusted: true });
    expect(await judged(bundle, signature, other.line('alice', 'cert-authority'))).toMatchObject({
      code: 'SIGNATURE_UNTRUSTED',
    });
    writeFileSync(bundle, 'another');
    expect(await judged(bundle, signature, ca.line('alice', 'cert-authority'))).toMatchObject({
      code: 'SIGNATURE_MISMATCH',
    });
  });

  test('a signature that only claims to be issued by the authority does not count', async () => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const ca = sshKeyPair(scratch, 'ca');
    const whole = readFileSync(certified(scratch, bundle, ca, '-n', 'mallory'), 'latin1');
    const [, armoured = ''] = /-----\n(.*)-----END/s.exec(whole) ?? [];
    // Who it is for is changed, in a certificate whose own key goes on to fit the bundle.
    const forged = Buffer.from(
      Buffer.from(armoured, 'base64').toString('latin1').replace('mallory', 'charlie'),
      'latin1',
    );
    const body = forged.toString('base64');
    writeFileSync(`${bundle}.sig`, `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`);
    expect(await judged(bundle, `${bundle}.sig`, ca.line('charlie', 'cert-authority'))).toMatchObject({
      code: 'SIGNATURE_UNTRUSTED',
      reason: expect.stringContaining('has not issued'),
    });
  });
});

/** Nothing here can be touched, so what such a key would sign is put together as its specification says. */
describe('what a hardware key signs', () => {
  test.each([
    [0x01, true],
    [0x05, true],
    [0x00, false],
  ])('a signature of a hardware key with the flags %d: trusted: %s', async (flags, isTrusted) => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const type = 'sk-ssh-ed25519@openssh.com';
    const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
    const blob = Buffer.concat([type, point, 'ssh:'].map(wireString));
    const digest = createHash('sha512').update(readFileSync(bundle)).digest();
    const signed = Buffer.concat([Buffer.from('SSHSIG'), ...['slipway-bundle', '', 'sha512', digest].map(wireString)]);
    const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest();
    const tail = Buffer.from([flags, 0, 0, 0, 7]);
    const value = sign(null, Buffer.concat([sha256('ssh:'), tail, sha256(signed)]), privateKey);
    const signature = Buffer.concat([wireString(type), wireString(value), tail]);
    const whole = Buffer.concat([
      Buffer.from('SSHSIG\0\0\0\x01', 'latin1'),
      ...[blob, 'slipway-bundle', '', 'sha512', signature].map(wireString),
    ]);
    writeFileSync(
      `${bundle}.sig`,
      `-----BEGIN SSH SIGNATURE-----\n${whole.toString('base64')}\n-----END SSH SIGNATURE-----\n`,
    );
    const verdict = await judged(bundle, `${bundle}.sig`, `me ${type} ${blob.toString('base64')}\n`);
    expect(verdict).toMatchObject(isTrusted ? { isTrusted } : { isTrusted, code: 'SIGNATURE_MISMATCH' });
  });
});

describeWith('minisign')('what minisign signs', () => {
  test('is trusted, and not with one byte changed, of the bundle or of the trusted comment', async () => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const key = minisignKeyPair(scratch, 'release');
    const signersText = readFileSync(key.publicKey, 'utf8');
    const [, keyId = ''] = /public key ([0-9A-F]+)/.exec(signersText) ?? [];
    const signature = key.sign(bundle);
    const trusted = { isTrusted: true, signer: `minisign public key ${keyId}`, keyId };
    expect(await judged(bundle, signature, signersText)).toEqual(trusted);
    const whole = readFileSync(signature, 'utf8');
    writeFileSync(signature, whole.replace(/timestamp:/, 'timestomp:'));
    expect(await judged(bundle, signature, signersText)).toMatchObject({ code: 'SIGNATURE_MISMATCH' });
    writeFileSync(signature, whole);
    writeFileSync(bundle, readFileSync(bundle, 'utf8').replace('what', 'What'));
    expect(await judged(bundle, signature, signersText)).toMatchObject({ code: 'SIGNATURE_MISMATCH' });
  });

  test.each([
    ['slipway-bundle:shop', true],
    ['slipway-bundle', true],
    ['slipway-bundle:bank', false],
  ])('a signature with the trusted comment %s is trusted for the application shop: %s', async (comment, isTrusted) => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const key = minisignKeyPair(scratch, 'release');
    const verdict = await judged(bundle, key.sign(bundle, '-t', comment), readFileSync(key.publicKey, 'utf8'));
    expect(verdict).toMatchObject(isTrusted ? { isTrusted } : { isTrusted, code: 'SIGNATURE_WRONG_PURPOSE' });
  });

  test('a signature with another key is refused, and the key is named', async () => {
    using scratch = scratchFolder();
    const bundle = bundleIn(scratch);
    const [mine, other] = [minisignKeyPair(scratch, 'mine'), minisignKeyPair(scratch, 'other')];
    const [, otherId = ''] = /key ([0-9A-F]+)/.exec(readFileSync(other.publicKey, 'utf8')) ?? [];
    expect(await judged(bundle, other.sign(bundle), readFileSync(mine.publicKey, 'utf8'))).toMatchObject({
      code: 'SIGNATURE_UNTRUSTED',
      reason: expect.stringContaining(otherId),
    });
  });
});

/** Made once by minisign 0.11 and OpenSSH 9.2, for machines that have neither. */
const CONTENT = 'hello slipway\n';
const MINISIGN_KEY = `untrusted comment: minisign public key 7863EA91734DD1CB
RWTL0U1zkepjeIG8NxE485UeSEeEHKi+dxL3SIFQQyl2sSAdYhaFtqQe
`;
const MINISIGNED = `untrusted comment: signature from minisign secret key
RUTL0U1zkepjeMnx6u5ceaUgM1taArWJhdIniaV46ax9/3ChPIr5Vg4y8S4DCm9VCGsIEsvTEGugBmo/KXv5clkDgyULs4LVOAk=
trusted comment: slipway-bundle:shop
ohkCOgSqyoB11bGuq7/MpxO3FRcVIKZJVjSd91p/zjsO9SGJOJFKtTzJg6gBebpci56AJzQQ2Andz6ZX9epACA==
`;
const MINISIGNED_OLD = `untrusted comment: signature from minisign secret key
RWTL0U1zkepjeHhSfvA2i7YDR2zn1xIWn8w/0YjX9eyrsA4u6i5lldoJZSxh4sHTKRvyjbXRzHUfXCVJUUkHKbmQ9dy/ofQVFQ0=
trusted comment: timestamp:1795566453\tfile:b
Y9qTeFiSSzsfDiDQrfTkrZyJIigsQCWgYeoLGtR3JIXDBy1CkkwYSVONksTwfv18tB3DKowNBtnoOm0hmR2vDQ==
`;
const SSH_KEY = 'ci ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxTwK4uqXXZjsIGbOm3WaBKeQNk5FilKwiJrCa4fwAo x\n';
const SSH_SIGNED = `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg3FPAri6pddmOwgZs6bdZoEp5A2
TkWKUrCImsJrh/ACgAAAAOc2xpcHdheS1idW5kbGUAAAAAAAAABnNoYTUxMgAAAFMAAAAL
c3NoLWVkMjU1MTkAAABA4p+FPckIMG346CBmE6crxy0vUlVU3lsiUhPmGJTlWjJbyFuZyJ
oMqJUOVLLJe6y5xxxjj4PFaePTdPsBWt6eCw==
-----END SSH SIGNATURE-----
`;
const CA_KEY =
  '*@example.com cert-authority ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHARVdecgG0wtf54Pm7dLyEEhcq1JenqwHRpgxMivkaM\n';
const CERTIFIED = `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAAf4AAAAoZWNkc2Etc2hhMi1uaXN0cDI1Ni1jZXJ0LXYwMUBvcGVuc3
NoLmNvbQAAACBw0OOb893EVk3/c6iiHW7fCjeOr7NHVqlLZprqLtiMewAAAAhuaXN0cDI1
NgAAAEEEJQCVNUDYhqdoKNyPVdVY6+++tYemF+PBS/ZZK45S09Ihx1vHtgMfIe5YcnR3FN
01TLrKDnTtT6YtFbVxjv78fQAAAAAAAAAAAAAAAQAAAAhhbGljZSA0MgAAABUAAAARYWxp
Y2VAZXhhbXBsZS5jb20AAAAAAAAAAP//////////AAAAAAAAAIIAAAAVcGVybWl0LVgxMS
1mb3J3YXJkaW5nAAAAAAAAABdwZXJtaXQtYWdlbnQtZm9yd2FyZGluZwAAAAAAAAAWcGVy
bWl0LXBvcnQtZm9yd2FyZGluZwAAAAAAAAAKcGVybWl0LXB0eQAAAAAAAAAOcGVybWl0LX
VzZXItcmMAAAAAAAAAAAAAADMAAAALc3NoLWVkMjU1MTkAAAAgcBFV15yAbTC1/ng+bt0v
IQSFyrUl6erAdGmDEyK+RowAAABTAAAAC3NzaC1lZDI1NTE5AAAAQOv9FOF+LBddqDHqvR
7+2thZ9DdN1WZQZ9/pdinoJVptPk+4WYyyaC4lZP0SRsbu5Rh55oY52rIi0dAhNwWy6gUA
AAAOc2xpcHdheS1idW5kbGUAAAAAAAAABnNoYTUxMgAAAGMAAAATZWNkc2Etc2hhMi1uaX
N0cDI1NgAAAEgAAAAgbHgCJRXxRVJH/gCGmf/OfO6GOh7N7MKk/FQL+f7AhzAAAAAgNVWh
CV8/zVfKPbwxhCVRNU6NGpLwqkAY5xaviB1ZoDA=
-----END SSH SIGNATURE-----
`;
const RECORDED: readonly (readonly [SignatureFormat, string])[] = [
  ['minisign', MINISIGNED],
  ['ssh', SSH_SIGNED],
  ['ssh', CERTIFIED],
];
const { signers: RECORDED_SIGNERS } = parseSigners(`${MINISIGN_KEY}${SSH_KEY}${CA_KEY}`);

function judgedText(format: SignatureFormat, text: string): Verdict {
  const signature = parseSignature(format, text);
  const digest = createHash(signature.digest).update(CONTENT).digest();
  return judge(signature, digest, RECORDED_SIGNERS, { kind: 'bundle', application: 'shop' }, NOW);
}

describe('a signature that was made elsewhere', () => {
  test.each(RECORDED)('a signature that was made elsewhere by %s is trusted', (format, text) => {
    expect(judgedText(format, text)).toMatchObject({ isTrusted: true });
  });

  test('a signature that was made elsewhere by minisign in its old way is refused, and the message says how to sign', () => {
    expect(() => parseSignature('minisign', MINISIGNED_OLD)).toThrow(/old kind.*sign with minisign -H/);
  });

  test.each(RECORDED)(
    'a signature that was made elsewhere by %s and damaged anywhere is never trusted, and never a crash',
    (format, text) => {
      const places = fc.array(fc.tuple(fc.nat({ max: text.length - 1 }), fc.integer({ min: 32, max: 126 })), {
        minLength: 1,
        maxLength: 4,
      });
      fc.assert(
        fc.property(places, (changes) => {
          const damaged = [...text];
          for (const [at, code] of changes) damaged[at] = String.fromCharCode(code);
          const changed = damaged.join('');
          try {
            // The first line of minisign's is not signed, and says so.
            const isHarmless = changed.split('\n').slice(1).join('\n') === text.split('\n').slice(1).join('\n');
            if (!isHarmless) expect(judgedText(format, changed).isTrusted).toBe(false);
          } catch (error) {
            expect(error).toBeInstanceOf(Malformed);
          }
        }),
        { numRuns: 2000 },
      );
    },
  );

  test('a signature that was made elsewhere with any content at all behind its beginning is told apart from one', () => {
    const armoured = fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => Buffer.concat([Buffer.from('SSHSIG\0\0\0\x01', 'latin1'), bytes]).toString('base64'))
      .map((body) => `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`);
    const minisigned = fc
      .tuple(fc.base64String({ maxLength: 120 }), fc.string(), fc.base64String({ maxLength: 120 }))
      .map(([one, comment, two]) => `untrusted comment: x\n${one}\ntrusted comment: ${comment}\n${two}\n`);
    for (const [format, texts] of [
      ['ssh', armoured],
      ['minisign', minisigned],
      ['ssh', fc.string()],
      ['minisign', fc.string()],
    ] as const) {
      fc.assert(
        fc.property(texts, (text) => {
          expect(() => parseSignature(format, text)).toThrow(Malformed);
        }),
      );
    }
  });
});

describe('a file of signers', () => {
  test('holds lines of allowed_signers and public keys of minisign, with comments between them', () => {
    const { signers, problems } = parseSigners(
      `# who may release\n\n${SSH_KEY}${MINISIGN_KEY}"a b,c@d" NAMESPACES="git,x",valid-before="20300101" ${SSH_KEY.slice(3)}`,
    );
    expect(problems).toEqual([]);
    expect(signers.map(({ format, name }) => `${format} ${name}`)).toEqual([
      'ssh ci',
      'minisign minisign public key 7863EA91734DD1CB',
      'ssh a b,c@d',
    ]);
    expect(signers[2]).toMatchObject({ namespaces: 'git,x', validAfterMs: null, validBeforeMs: expect.any(Number) });
  });

  test.each([
    ['ci ssh-ed25519', 'no base64'],
    ['ci ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAINxTwK4uqXXZjsIGbOm3WaBKeQNk5FilKwiJrCa4fwAo', 'not of the type ssh-rsa'],
    [
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxTwK4uqXXZjsIGbOm3WaBKeQNk5FilKwiJrCa4fwAo',
      'not NAME [OPTIONS] KEYTYPE KEY',
    ],
    [
      'ci valid-before="tomorrow" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxTwK4uqXXZjsIGbOm3WaBKeQNk5FilKwiJrCa4fwAo',
      '"tomorrow" is no time',
    ],
    [
      'ci no-such-option ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINxTwK4uqXXZjsIGbOm3WaBKeQNk5FilKwiJrCa4fwAo',
      '"no-such-option" is not supported',
    ],
    ['ci ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIg==', 'ends too early'],
    ['RWTL0U1zkepjeIG8NxE485UeSEeEHKi', 'no base64'],
    ['hello', 'no base64'],
  ])('a file of signers with the line %j names it and what is wrong', (line, problem) => {
    const { problems } = parseSigners(`${SSH_KEY}\n${line}\n`);
    expect(problems).toEqual([expect.stringMatching(/^line 3: /)]);
    expect(problems[0]).toContain(problem);
  });

  test('may hold anything without a crash', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseSigners(`ci ${text} ${SSH_KEY}\n${text}`)));
  });

  test.each([
    ['a*', 'abc', true],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['*,!abc', 'abc', false],
    ['!abc,*', 'abd', true],
    ['a.c', 'abc', false],
    ['', 'abc', false],
  ])('has the patterns of OpenSSH: %s and %s: %s', (patterns, text, matches) => {
    expect(matchesPatterns(patterns, text)).toBe(matches);
  });
});
