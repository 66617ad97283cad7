import { webcrypto } from 'node:crypto';
import * as asn1js from 'asn1js';
import {
  Attribute,
  ContentInfo,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedAndUnsignedAttributes,
  SignedData,
  SignerInfo,
} from 'pkijs';
import type { Envelope } from '../host-command/shapes.ts';
import type { Signer } from './authority.ts';
import { decodePem, encodePem, KEY_ALGORITHM, nodeCryptoEngine, readCertificates } from './certificates.ts';

const ID_DATA = '1.2.840.113549.1.7.1';
const ID_SIGNED_DATA = '1.2.840.113549.1.7.2';
const ID_CONTENT_TYPE = '1.2.840.113549.1.9.3';
const ID_MESSAGE_DIGEST = '1.2.840.113549.1.9.4';

/**
 * Signs a deployment specification into the envelope that agents accept: PKCS7 SignedData with attached content and the signer's
 * certificate, PEM with the label PKCS7 (a `CMS` label, detached content or a missing certificate fails in the official agent).
 *
 * @throws Error when the signer's texts are damaged
 */
export async function sealSpecification(json: string, signer: Signer): Promise<Envelope> {
  const [certificate] = readCertificates(signer.certificatePem) ?? [];
  const [keyDer] = decodePem('PRIVATE KEY', signer.privateKeyPem) ?? [];
  if (certificate === undefined || keyDer === undefined)
    throw new Error('the signer’s certificate or key cannot be read');
  const key = await webcrypto.subtle.importKey('pkcs8', keyDer, KEY_ALGORITHM, false, ['sign']);
  const content = Uint8Array.from(Buffer.from(json));
  const digest = await webcrypto.subtle.digest('SHA-256', content);
  const signedData = new SignedData({
    version: 1,
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: ID_DATA,
      eContent: new asn1js.OctetString({ valueHex: content.buffer }),
    }),
    signerInfos: [
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({ issuer: certificate.issuer, serialNumber: certificate.serialNumber }),
        signedAttrs: new SignedAndUnsignedAttributes({
          type: 0,
          attributes: [
            new Attribute({ type: ID_CONTENT_TYPE, values: [new asn1js.ObjectIdentifier({ value: ID_DATA })] }),
            new Attribute({ type: ID_MESSAGE_DIGEST, values: [new asn1js.OctetString({ valueHex: digest })] }),
          ],
        }),
      }),
    ],
    certificates: [certificate],
  });
  await signedData.sign(key, 0, 'SHA-256', content.buffer, nodeCryptoEngine());
  const contentInfo = new ContentInfo({ contentType: ID_SIGNED_DATA, content: signedData.toSchema(true) });
  return { Format: 'PKCS7/JSON', Payload: encodePem('PKCS7', contentInfo.toSchema().toBER(false)) };
}
