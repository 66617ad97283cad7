import { readFileSync, writeFileSync } from 'node:fs';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  createSigningAuthority,
  issueSigner,
  type Signer,
  type SigningAuthority,
} from '../../../src/protocol/envelope/authority.ts';
import { openEnvelope } from '../../../src/protocol/envelope/open.ts';
import { sealSpecification } from '../../../src/protocol/envelope/seal.ts';
import { systemRandom } from '../../../src/system/random.ts';
import { scratchFolder } from '../../support/scratch.ts';

const nowMs = Date.now();
const DAY_MS = 24 * 60 * 60 * 1000;
const json = JSON.stringify({ DeploymentId: 'd-ABC', Umlauts: 'äöü – 日本' });

let authority: SigningAuthority;
let signer: Signer;
let stranger: SigningAuthority;

beforeAll(async () => {
  const options = { nowMs, random: systemRandom };
  authority = await createSigningAuthority({ ...options, commonName: 'test authority' });
  signer = await issueSigner(authority, { ...options, commonName: 'test signer' });
  stranger = await createSigningAuthority({ ...options, commonName: 'stranger' });
});

const pinned = () => ({ caCertificatePem: authority.caCertificatePem, nowMs });

describe('a sealed specification', () => {
  test('opens to the same text with the pinned authority, and without one', async () => {
    const envelope = await sealSpecification(json, signer);
    expect(envelope.Format).toBe('PKCS7/JSON');
    expect(envelope.Payload).toMatch(/^-----BEGIN PKCS7-----\n/);
    expect(await openEnvelope(envelope, pinned())).toBe(json);
    expect(await openEnvelope(envelope, { caCertificatePem: null, nowMs })).toBe(json);
  });

  test('is refused under another authority, naming the signer', async () => {
    const envelope = await sealSpecification(json, signer);
    await expect(openEnvelope(envelope, { caCertificatePem: stranger.caCertificatePem, nowMs })).rejects.toMatchObject({
      code: 'ENVELOPE_UNTRUSTED',
      message: expect.stringContaining('test signer'),
    });
  });

  test('is refused when the signer’s certificate has expired or is not valid yet', async () => {
    const envelope = await sealSpecification(json, signer);
    for (const atMs of [nowMs + 91 * DAY_MS, nowMs - 2 * DAY_MS]) {
      await expect(openEnvelope(envelope, { ...pinned(), nowMs: atMs })).rejects.toMatchObject({
        code: 'ENVELOPE_UNTRUSTED',
      });
    }
  });

  test('is refused when one byte of it was changed, wherever that is', async () => {
    const envelope = await sealSpecification(json, signer);
    const der = Buffer.from(envelope.Payload.replace(/-----[^-]+-----/g, ''), 'base64');
    for (let at = 0; at < der.length; at += 41) {
      const changed = Buffer.from(der);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      const Payload = `-----BEGIN PKCS7-----\n${changed.toString('base64')}\n-----END PKCS7-----\n`;
      const opened = await openEnvelope({ Format: 'PKCS7/JSON', Payload }, pinned()).catch(
        (error: { code: string }) => error.code,
      );
      // A bit that carries no meaning (an ASN.1 boolean's value, say) may change; the content must not.
      expect(opened === json || /^ENVELOPE_/.test(opened), `byte ${at}: ${opened}`).toBe(true);
    }
  });

  test('is refused when bytes follow after its end', async () => {
    const { Payload } = await sealSpecification(json, signer);
    const der = Buffer.from(Payload.replace(/-----[^-]+-----/g, ''), 'base64');
    const longer = `-----BEGIN PKCS7-----\n${Buffer.concat([der, Buffer.from('more')]).toString('base64')}\n-----END PKCS7-----\n`;
    await expect(openEnvelope({ Format: 'PKCS7/JSON', Payload: longer }, pinned())).rejects.toMatchObject({
      code: 'ENVELOPE_MALFORMED',
      message: expect.stringContaining('4 bytes follow'),
    });
  });

  test('signed with the authority’s own key as if it were a signer’s is refused: it may sign certificates only', async () => {
    const impostor = {
      ...signer,
      certificatePem: authority.caCertificatePem,
      privateKeyPem: authority.caPrivateKeyPem,
    };
    const envelope = await sealSpecification(json, impostor);
    await expect(openEnvelope(envelope, pinned())).rejects.toMatchObject({ code: 'ENVELOPE_UNTRUSTED' });
  });
});

describe('envelopes that are none', () => {
  test.each([
    [undefined, 'ENVELOPE_MISSING'],
    [{ Format: 'PKCS7/JSON', Payload: '' }, 'ENVELOPE_MISSING'],
    [{ Format: 'TEXT/JSON', Payload: '{}' }, 'ENVELOPE_FORMAT'],
    [{ Format: 'PKCS7/JSON', Payload: '{}' }, 'ENVELOPE_MALFORMED'],
    [{ Format: 'PKCS7/JSON', Payload: '-----BEGIN PKCS7-----\nAAAA\n-----END PKCS7-----' }, 'ENVELOPE_MALFORMED'],
    [{ Format: 'PKCS7/JSON', Payload: '-----BEGIN CMS-----\nAAAA\n-----END CMS-----' }, 'ENVELOPE_MALFORMED'],
  ])('%j → %s', async (envelope, code) => {
    await expect(openEnvelope(envelope, pinned())).rejects.toMatchObject({ code });
  });

  test('plain text is for local deployments', async () => {
    const envelope = { Format: 'TEXT/JSON', Payload: '{}' };
    expect(await openEnvelope(envelope, { ...pinned(), allowPlainText: true })).toBe('{}');
  });

  test('a pinned certificate that cannot be read trusts nobody', async () => {
    const envelope = await sealSpecification(json, signer);
    await expect(openEnvelope(envelope, { caCertificatePem: 'oops', nowMs })).rejects.toMatchObject({
      code: 'ENVELOPE_UNTRUSTED',
    });
  });
});

const hasOpenssl = (await execa('openssl', ['version'], { reject: false })).exitCode === 0;

describe.runIf(hasOpenssl)('with the real openssl', () => {
  test('smime and cms verify what we seal, chain included', async () => {
    using scratch = scratchFolder();
    const { Payload } = await sealSpecification(json, signer);
    writeFileSync(scratch.at('sealed.pem'), Payload);
    writeFileSync(scratch.at('ca.pem'), authority.caCertificatePem);
    for (const tool of ['smime', 'cms']) {
      const verified = await execa('openssl', [
        ...[tool, '-verify', '-inform', 'PEM', '-in', scratch.at('sealed.pem')],
        ...['-CAfile', scratch.at('ca.pem'), '-purpose', 'any', '-binary'],
      ]);
      expect(verified.stdout).toBe(json);
    }
  });

  test.each([
    ['definite lengths', []],
    ['indefinite lengths, as streaming writers make them', ['-stream']],
  ])('we open what openssl signs with %s', async (_, flags) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('content'), json);
    writeFileSync(scratch.at('cert.pem'), signer.certificatePem);
    writeFileSync(scratch.at('key.pem'), signer.privateKeyPem);
    await execa('openssl', [
      ...['smime', '-sign', '-binary', '-nodetach', '-md', 'sha256', '-outform', 'PEM', ...flags],
      ...['-signer', scratch.at('cert.pem'), '-inkey', scratch.at('key.pem')],
      ...['-in', scratch.at('content'), '-out', scratch.at('signed.pem')],
    ]);
    const Payload = readFileSync(scratch.at('signed.pem'), 'utf8');
    expect(await openEnvelope({ Format: 'PKCS7/JSON', Payload }, pinned())).toBe(json);
  });

  test.each([
    ['detached content', ['-md', 'sha256'], 'ENVELOPE_MALFORMED'],
    ['a SHA-1 digest', ['-nodetach', '-md', 'sha1'], 'ENVELOPE_SIGNATURE'],
    ['no certificate', ['-nodetach', '-md', 'sha256', '-nocerts'], 'ENVELOPE_MALFORMED'],
  ])('%s is refused', async (_, flags, code) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('content'), json);
    writeFileSync(scratch.at('cert.pem'), signer.certificatePem);
    writeFileSync(scratch.at('key.pem'), signer.privateKeyPem);
    await execa('openssl', [
      ...['smime', '-sign', '-binary', '-outform', 'PEM', ...flags],
      ...['-signer', scratch.at('cert.pem'), '-inkey', scratch.at('key.pem')],
      ...['-in', scratch.at('content'), '-out', scratch.at('signed.pem')],
    ]);
    const Payload = readFileSync(scratch.at('signed.pem'), 'utf8');
    await expect(openEnvelope({ Format: 'PKCS7/JSON', Payload }, pinned())).rejects.toMatchObject({ code });
  });
});
