import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { createSigningAuthority, issueSigner, type Signer } from '../../src/protocol/envelope/authority.ts';
import { openEnvelope } from '../../src/protocol/envelope/open.ts';
import { sealSpecification } from '../../src/protocol/envelope/seal.ts';
import { systemRandom } from '../../src/system/random.ts';
import { describeWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const nowMs = Date.now();
const DAY_MS = 24 * 60 * 60 * 1000;
const content = JSON.stringify({ DeploymentId: 'd-ABC', Umlauts: 'äöü – 日本', Filler: 'x'.repeat(5000) });

const openssl = (scratch: ScratchFolder, ...args: string[]) =>
  execa('openssl', args, { cwd: scratch.path, stripFinalNewline: false });

/** Opens an envelope tomorrow: certificates that openssl makes begin now, by a clock that is a moment ahead of `nowMs`. */
const open = (Payload: string, caCertificatePem: string | null, atMs = nowMs + DAY_MS) =>
  openEnvelope({ Format: 'PKCS7/JSON', Payload }, { caCertificatePem, nowMs: atMs });

/** Keys and certificates made by openssl itself: an authority `ca`, a `signer` that it issued, and a `stranger` on its own. */
async function opensslAuthority(
  scratch: ScratchFolder,
  newKey: readonly string[],
): Promise<{ caCertificatePem: string }> {
  const make = (...args: string[]) =>
    openssl(scratch, 'req', '-x509', '-newkey', ...newKey, '-nodes', '-sha256', ...args);
  await make('-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=openssl authority', '-days', '30');
  await make('-keyout', 'stranger.key', '-out', 'stranger.pem', '-subj', '/CN=stranger', '-days', '30');
  await openssl(
    scratch,
    'req',
    '-newkey',
    ...newKey,
    '-nodes',
    '-keyout',
    'signer.key',
    '-out',
    'signer.csr',
    '-subj',
    '/CN=openssl signer',
  );
  await issue(scratch, 'signer', 'keyUsage=critical,digitalSignature\n');
  return { caCertificatePem: readFileSync(scratch.at('ca.pem'), 'utf8') };
}

async function issue(scratch: ScratchFolder, name: string, extensions: string, ...flags: string[]): Promise<void> {
  writeFileSync(scratch.at('extensions'), extensions);
  await openssl(
    scratch,
    ...['x509', '-req', '-in', 'signer.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30'],
    ...['-extfile', 'extensions', '-out', `${name}.pem`, ...flags],
  );
}

/** Signs `content` with the program as an operator would; returns the PEM text. */
async function opensslSign(
  scratch: ScratchFolder,
  tool: 'smime' | 'cms',
  signer: string,
  ...flags: string[]
): Promise<string> {
  writeFileSync(scratch.at('content'), content);
  await openssl(
    scratch,
    ...[tool, '-sign', '-binary', '-outform', 'PEM', '-signer', `${signer}.pem`, '-inkey', 'signer.key'],
    ...['-in', 'content', '-out', 'signed.pem', ...flags],
  );
  return readFileSync(scratch.at('signed.pem'), 'utf8');
}

describeWith('openssl')('what we seal', () => {
  let signer: Signer;
  let payload: string;

  beforeAll(async () => {
    const authority = await createSigningAuthority({ nowMs, random: systemRandom, commonName: 'test authority' });
    signer = await issueSigner(authority, { nowMs, random: systemRandom, commonName: 'test signer' });
    ({ Payload: payload } = await sealSpecification(content, signer));
  });

  function written(): ScratchFolder {
    const scratch = scratchFolder();
    writeFileSync(scratch.at('ca.pem'), signer.caCertificatePem);
    writeFileSync(scratch.at('signer.pem'), signer.certificatePem);
    writeFileSync(scratch.at('sealed.pem'), payload);
    return scratch;
  }

  test.each(['smime', 'cms'])('openssl %s verifies, chain included', async (tool) => {
    using scratch = written();
    const { stdout } = await openssl(
      scratch,
      tool,
      '-verify',
      '-inform',
      'PEM',
      '-in',
      'sealed.pem',
      '-CAfile',
      'ca.pem',
      '-binary',
    );
    expect(stdout).toBe(content);
  });

  test('openssl reads as the official agent does, without looking at the chain', async () => {
    using scratch = written();
    const { stdout } = await openssl(
      scratch,
      'smime',
      '-verify',
      '-noverify',
      '-inform',
      'PEM',
      '-in',
      'sealed.pem',
      '-binary',
    );
    expect(stdout).toBe(content);
  });

  test('openssl refuses under another authority', async () => {
    using scratch = written();
    const stranger = await createSigningAuthority({ nowMs, random: systemRandom, commonName: 'test authority' });
    writeFileSync(scratch.at('ca.pem'), stranger.caCertificatePem);
    await expect(
      openssl(scratch, 'cms', '-verify', '-inform', 'PEM', '-in', 'sealed.pem', '-CAfile', 'ca.pem', '-binary'),
    ).rejects.toMatchObject({ exitCode: expect.any(Number), stderr: expect.stringMatching(/verif/i) });
  });

  test('openssl finds nothing to complain about in the certificates, by the letter of the standard', async () => {
    using scratch = written();
    const { stdout } = await openssl(scratch, 'verify', '-x509_strict', '-CAfile', 'ca.pem', 'signer.pem');
    expect(stdout).toBe('signer.pem: OK\n');
  });

  test('openssl reads the dates of an authority that lives beyond 2050', async () => {
    using scratch = scratchFolder();
    const atMs = Date.UTC(2045, 0, 1, 12, 0, 0, 789);
    const authority = await createSigningAuthority({ nowMs: atMs, random: systemRandom, commonName: 'late authority' });
    writeFileSync(scratch.at('ca.pem'), authority.caCertificatePem);
    const { stdout } = await openssl(scratch, 'x509', '-in', 'ca.pem', '-noout', '-startdate', '-enddate');
    expect(stdout).toMatch(/^notBefore=Dec 31 12:00:00 2044 GMT\nnotAfter=Dec 27 12:00:00 2064 GMT\n$/);
  });
});

describeWith('openssl')('what openssl signs', () => {
  test.each([
    ['RSA', ['rsa:2048']],
    ['ECDSA', ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']],
  ])('an envelope with %s is opened in every form that openssl writes', async (_, newKey) => {
    using scratch = scratchFolder();
    const { caCertificatePem } = await opensslAuthority(scratch, newKey);
    const forms = [[], ['-stream'], ['-md', 'sha384'], ['-md', 'sha512'], ['-noattr'], ['-certfile', 'stranger.pem']];
    for (const flags of forms) {
      const payload = await opensslSign(scratch, 'smime', 'signer', '-nodetach', ...flags);
      expect(await open(payload, caCertificatePem), flags.join(' ')).toBe(content);
      expect(await open(payload, null), flags.join(' ')).toBe(content);
    }
    // openssl cms writes the label CMS; the bytes are the same.
    const cms = await opensslSign(scratch, 'cms', 'signer', '-nodetach');
    await expect(open(cms, caCertificatePem)).rejects.toMatchObject({
      code: 'ENVELOPE_MALFORMED',
      message: expect.stringContaining('CMS'),
    });
    expect(await open(cms.replaceAll('CMS-----', 'PKCS7-----'), caCertificatePem)).toBe(content);
  });

  test('we refuse when it is not what an envelope has to be', async () => {
    using scratch = scratchFolder();
    const { caCertificatePem } = await opensslAuthority(scratch, ['rsa:2048']);
    const cases: [string, 'smime' | 'cms', string[], string][] = [
      ['detached', 'smime', [], 'ENVELOPE_MALFORMED'],
      ['SHA-1', 'smime', ['-nodetach', '-md', 'sha1'], 'ENVELOPE_SIGNATURE'],
      ['SHA-1 without attributes', 'smime', ['-nodetach', '-md', 'sha1', '-noattr'], 'ENVELOPE_SIGNATURE'],
      ['MD5', 'smime', ['-nodetach', '-md', 'md5'], 'ENVELOPE_SIGNATURE'],
      ['no certificate', 'smime', ['-nodetach', '-nocerts'], 'ENVELOPE_MALFORMED'],
      ['signer named by its key', 'cms', ['-nodetach', '-keyid'], 'ENVELOPE_MALFORMED'],
      [
        'another content type',
        'cms',
        ['-nodetach', '-econtent_type', '1.2.840.113549.1.9.16.1.4'],
        'ENVELOPE_MALFORMED',
      ],
      ['two signers', 'cms', ['-nodetach', '-signer', 'stranger.pem', '-inkey', 'stranger.key'], 'ENVELOPE_MALFORMED'],
      ['PSS', 'cms', ['-nodetach', '-keyopt', 'rsa_padding_mode:pss'], 'ENVELOPE_SIGNATURE'],
    ];
    for (const [what, tool, flags, code] of cases) {
      const payload = (await opensslSign(scratch, tool, 'signer', ...flags)).replaceAll('CMS-----', 'PKCS7-----');
      for (const ca of [caCertificatePem, null]) {
        await expect(open(payload, ca), what).rejects.toMatchObject({ code });
      }
    }
  });

  test('we refuse when its signer is not to be trusted', async () => {
    using scratch = scratchFolder();
    const { caCertificatePem } = await opensslAuthority(scratch, ['rsa:2048']);
    const strangerPem = readFileSync(scratch.at('stranger.pem'), 'utf8');
    const untrusted = (words: string) => ({ code: 'ENVELOPE_UNTRUSTED', message: expect.stringContaining(words) });

    const good = await opensslSign(scratch, 'smime', 'signer', '-nodetach');
    await expect(open(good, strangerPem)).rejects.toMatchObject(
      untrusted("'openssl signer' (issued by 'openssl authority')"),
    );
    await expect(open(good, caCertificatePem, nowMs + 31 * DAY_MS)).rejects.toMatchObject(untrusted('valid from'));
    await expect(open(good, caCertificatePem, nowMs - DAY_MS)).rejects.toMatchObject(untrusted('valid from'));
    // While an authority is being replaced, agents pin the old one and the new one.
    expect(await open(good, strangerPem + caCertificatePem)).toBe(content);

    await issue(scratch, 'encryption-only', 'keyUsage=critical,keyEncipherment\n');
    const misused = await opensslSign(scratch, 'smime', 'encryption-only', '-nodetach');
    await expect(open(misused, caCertificatePem)).rejects.toMatchObject(untrusted('not meant for signing'));

    await issue(scratch, 'sha1', 'keyUsage=critical,digitalSignature\n', '-sha1');
    const weak = await opensslSign(scratch, 'smime', 'sha1', '-nodetach');
    await expect(open(weak, caCertificatePem)).rejects.toMatchObject(untrusted('not with SHA-2'));
  });

  test('we refuse a signer or an authority whose certificate has a critical extension that nobody here knows', async () => {
    using scratch = scratchFolder();
    const { caCertificatePem } = await opensslAuthority(scratch, ['rsa:2048']);
    const unknown = { code: 'ENVELOPE_UNTRUSTED', message: expect.stringContaining('critical extension 1.2.3.4') };
    await issue(scratch, 'odd', 'keyUsage=critical,digitalSignature\n1.2.3.4=critical,ASN1:NULL\n');
    const odd = await opensslSign(scratch, 'smime', 'odd', '-nodetach');
    await expect(open(odd, caCertificatePem)).rejects.toMatchObject(unknown);

    await issue(scratch, 'plain', 'keyUsage=critical,digitalSignature\n1.2.3.4=ASN1:NULL\n');
    const plain = await opensslSign(scratch, 'smime', 'plain', '-nodetach');
    expect(await open(plain, caCertificatePem)).toBe(content);

    writeFileSync(scratch.at('extensions'), 'basicConstraints=critical,CA:TRUE\n1.2.3.4=critical,ASN1:NULL\n');
    const self = ['x509', '-in', 'ca.pem', '-signkey', 'ca.key', '-days', '30', '-clrext'];
    await openssl(scratch, ...self, '-extfile', 'extensions', '-out', 'odd-ca.pem');
    const good = await opensslSign(scratch, 'smime', 'signer', '-nodetach');
    await expect(open(good, readFileSync(scratch.at('odd-ca.pem'), 'utf8'))).rejects.toMatchObject({
      code: 'ENVELOPE_UNTRUSTED',
    });
  });

  test('we refuse when what is pinned has issued the signer, and is no authority', async () => {
    using scratch = scratchFolder();
    await opensslAuthority(scratch, ['rsa:2048']);
    for (const extensions of ['basicConstraints=critical,CA:FALSE\n', 'keyUsage=critical,digitalSignature\n', '']) {
      writeFileSync(scratch.at('extensions'), `subjectKeyIdentifier=hash\n${extensions}`);
      const self = ['x509', '-in', 'ca.pem', '-signkey', 'ca.key', '-days', '30', '-clrext'];
      await openssl(scratch, ...self, '-extfile', 'extensions', '-out', 'no-ca.pem');
      const good = await opensslSign(scratch, 'smime', 'signer', '-nodetach');
      await expect(open(good, readFileSync(scratch.at('no-ca.pem'), 'utf8')), extensions).rejects.toMatchObject({
        code: 'ENVELOPE_UNTRUSTED',
      });
    }
  });

  test('we refuse when a signer that is trusted has issued the certificate of another', async () => {
    using scratch = scratchFolder();
    const { caCertificatePem } = await opensslAuthority(scratch, ['rsa:2048']);
    await openssl(
      scratch,
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'evil.key',
      '-out',
      'evil.csr',
      '-subj',
      '/CN=evil',
    );
    await openssl(
      scratch,
      'x509',
      '-req',
      '-in',
      'evil.csr',
      '-CA',
      'signer.pem',
      '-CAkey',
      'signer.key',
      '-CAcreateserial',
      '-days',
      '30',
      '-out',
      'evil.pem',
    );
    writeFileSync(scratch.at('content'), content);
    await openssl(
      scratch,
      ...['smime', '-sign', '-binary', '-nodetach', '-outform', 'PEM', '-signer', 'evil.pem', '-inkey', 'evil.key'],
      ...['-certfile', 'signer.pem', '-in', 'content', '-out', 'signed.pem'],
    );
    const payload = readFileSync(scratch.at('signed.pem'), 'utf8');
    await expect(open(payload, caCertificatePem)).rejects.toMatchObject({ code: 'ENVELOPE_UNTRUSTED' });
  });

  test('we refuse, and soon, when the certificates in it issue each other in a circle', async () => {
    using scratch = scratchFolder();
    const { caCertificatePem } = await opensslAuthority(scratch, ['rsa:2048']);
    const extensions = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n';
    writeFileSync(scratch.at('extensions'), extensions);
    for (const name of ['a', 'b']) {
      await openssl(
        scratch,
        'req',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.csr`,
        '-subj',
        `/CN=${name}`,
      );
      await openssl(
        scratch,
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-signkey',
        `${name}.key`,
        '-extfile',
        'extensions',
        '-out',
        `${name}.root`,
      );
    }
    const issuedBy = (name: string, issuer: string, ...flags: string[]) =>
      openssl(
        scratch,
        ...[
          'x509',
          '-req',
          '-in',
          `${name}.csr`,
          '-CA',
          `${issuer}.root`,
          '-CAkey',
          `${issuer}.key`,
          '-CAcreateserial',
        ],
        ...['-out', `${name}.pem`, ...flags],
      );
    await issuedBy('a', 'b', '-extfile', 'extensions');
    await issuedBy('b', 'a', '-extfile', 'extensions');
    await issuedBy('signer', 'a');
    writeFileSync(
      scratch.at('circle.pem'),
      readFileSync(scratch.at('a.pem'), 'utf8') + readFileSync(scratch.at('b.pem'), 'utf8'),
    );
    const payload = await opensslSign(scratch, 'smime', 'signer', '-nodetach', '-certfile', 'circle.pem');
    await expect(open(payload, caCertificatePem)).rejects.toMatchObject({ code: 'ENVELOPE_UNTRUSTED' });
  });

  test('we refuse when something was appended, or the content exchanged', async () => {
    using scratch = scratchFolder();
    const { caCertificatePem } = await opensslAuthority(scratch, ['rsa:2048']);
    const payload = await opensslSign(scratch, 'smime', 'signer', '-nodetach');

    writeFileSync(scratch.at('der'), Buffer.from(payload.replace(/-----[^-]+-----/g, ''), 'base64'));
    appendFileSync(scratch.at('der'), 'more');
    const longer = pem(readFileSync(scratch.at('der')));
    await expect(open(longer, null)).rejects.toMatchObject({
      code: 'ENVELOPE_MALFORMED',
      message: expect.stringContaining('4 bytes follow'),
    });
    await expect(open(payload + payload, null)).rejects.toMatchObject({
      code: 'ENVELOPE_MALFORMED',
      message: expect.stringContaining('2 PEM blocks'),
    });

    const der = Buffer.from(payload.replace(/-----[^-]+-----/g, ''), 'base64');
    der.write('d-XYZ', der.indexOf('d-ABC'));
    for (const ca of [caCertificatePem, null]) {
      await expect(open(pem(der), ca)).rejects.toMatchObject({ code: 'ENVELOPE_SIGNATURE' });
    }
  });
});

function pem(der: Buffer): string {
  return `-----BEGIN PKCS7-----\n${der.toString('base64')}\n-----END PKCS7-----\n`;
}
