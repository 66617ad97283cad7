import { beforeAll, describe, expect, test } from 'vitest';
import {
  createSigningAuthority,
  issueSigner,
  type Signer,
  type SigningAuthority,
} from '../../../src/protocol/envelope/authority.ts';
import { openEnvelope } from '../../../src/protocol/envelope/open.ts';
import { sealSpecification } from '../../../src/protocol/envelope/seal.ts';
import type { Envelope } from '../../../src/protocol/host-command/shapes.ts';
import { systemRandom } from '../../../src/system/random.ts';

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
    for (let at = 0; at < der.length; at += 13) {
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

describe('an envelope is refused', () => {
  const pem = (label: string, base64: string) => `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`;
  test.each<[string, unknown, string]>([
    ['that is absent', undefined, 'ENVELOPE_MISSING'],
    ['that is null', null, 'ENVELOPE_MISSING'],
    ['without members', {}, 'ENVELOPE_MISSING'],
    ['with an empty payload', { Format: 'PKCS7/JSON', Payload: '' }, 'ENVELOPE_MISSING'],
    ['whose payload is no text', { Format: 'PKCS7/JSON', Payload: 7 }, 'ENVELOPE_MISSING'],
    ['of plain text', { Format: 'TEXT/JSON', Payload: '{}' }, 'ENVELOPE_FORMAT'],
    ['of plain text by its other name', { Format: 'JSON', Payload: '{}' }, 'ENVELOPE_FORMAT'],
    ['of no format', { Payload: '{}' }, 'ENVELOPE_FORMAT'],
    ['that is not PEM', { Format: 'PKCS7/JSON', Payload: '{}' }, 'ENVELOPE_MALFORMED'],
    ['labelled CMS', { Format: 'PKCS7/JSON', Payload: pem('CMS', 'AAAA') }, 'ENVELOPE_MALFORMED'],
    ['that is not base64', { Format: 'PKCS7/JSON', Payload: pem('PKCS7', 'A*A=') }, 'ENVELOPE_MALFORMED'],
    ['that is not ASN.1', { Format: 'PKCS7/JSON', Payload: pem('PKCS7', 'AAAA') }, 'ENVELOPE_MALFORMED'],
    ['nested 20 000 deep', { Format: 'PKCS7/JSON', Payload: pem('PKCS7', nested(20_000)) }, 'ENVELOPE_MALFORMED'],
  ])('%s', async (_, envelope, code) => {
    // What a server sends is not what its type says until it was looked at.
    await expect(openEnvelope(envelope as Envelope, pinned())).rejects.toMatchObject({ code });
  });

  test.each(['TEXT/JSON', 'JSON'])('unless plain text (%s) is allowed, for local deployments', async (Format) => {
    expect(await openEnvelope({ Format, Payload: '{}' }, { ...pinned(), allowPlainText: true })).toBe('{}');
  });

  test('under a pinned certificate that cannot be read', async () => {
    const envelope = await sealSpecification(json, signer);
    await expect(openEnvelope(envelope, { caCertificatePem: 'oops', nowMs })).rejects.toMatchObject({
      code: 'ENVELOPE_UNTRUSTED',
    });
  });
});

/** Sequences of indefinite length, one in the other. */
function nested(depth: number): string {
  return Buffer.concat([Buffer.alloc(depth * 2, Buffer.of(0x30, 0x80)), Buffer.alloc(depth * 2)]).toString('base64');
}
