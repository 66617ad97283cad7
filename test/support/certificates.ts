import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { createSigningAuthority, issueSigner } from '../../src/protocol/envelope/authority.ts';
import { systemRandom } from '../../src/system/random.ts';

/** A private authority, and a certificate of it for 127.0.0.1 and localhost: PEM files. */
export interface PrivateCertificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Made by openssl, valid for two days. @param folder where the files go; it must be there */
export async function privateCertificates(folder: string): Promise<PrivateCertificates> {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: readonly string[]) => execa('openssl', args);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-subj', '/CN=Private authority', '-addext', 'basicConstraints=critical,CA:TRUE'];
  await openssl('req', '-x509', ...curve, '-days', '2', ...authority, '-keyout', at('ca.key'), '-out', at('ca.pem'));
  await openssl('req', ...curve, '-subj', '/CN=server', '-keyout', at('key.pem'), '-out', at('server.csr'));
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2'];
  await openssl('x509', '-req', '-in', at('server.csr'), ...signer, '-extfile', at('names'), '-out', at('cert.pem'));
  return { caFile: at('ca.pem'), certFile: at('cert.pem'), keyFile: at('key.pem') };
}

export interface MadeCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority that can sign; its files are in a folder. */
export interface Authority extends MadeCertificate {
  readonly folder: string;
}

/** @param above who signs it; left out: itself */
export async function makeAuthority(folder: string, name: string, above?: Authority): Promise<Authority> {
  const made = await signed(folder, name, above ?? null, 'basicConstraints=critical,CA:TRUE');
  return { ...made, folder };
}

/** A certificate for 127.0.0.1 and localhost, valid for two days. */
export function makeCertificate(authority: Authority, name: string): Promise<MadeCertificate> {
  return signed(authority.folder, name, authority, 'subjectAltName=IP:127.0.0.1,DNS:localhost');
}

/** A certificate for no name, with its chain, that ends in so many days; negative: it ended so many days ago. The openssl of old makes none of these. */
export async function certificateEnding(folder: string, inDays: number): Promise<MadeCertificate> {
  const making = { random: systemRandom, commonName: 'server' };
  const nowMs = Date.now();
  const authority = await createSigningAuthority({ ...making, nowMs: nowMs - SIGNER_DAYS * DAY_MS });
  const made = await issueSigner(authority, { ...making, nowMs: nowMs + (inDays - SIGNER_DAYS) * DAY_MS });
  const [certFile, keyFile] = [join(folder, 'ending.cert.pem'), join(folder, 'ending.key.pem')];
  writeFileSync(certFile, `${made.certificatePem}\n${authority.caCertificatePem}`);
  writeFileSync(keyFile, made.privateKeyPem, { mode: 0o600 });
  return { certFile, keyFile };
}

/** An authority whose own certificate ended a month ago; what it signs is valid. */
export async function endedAuthority(folder: string): Promise<Authority> {
  const nowMs = Date.now() - (AUTHORITY_DAYS + 30) * DAY_MS;
  const made = await createSigningAuthority({ random: systemRandom, commonName: 'Ended authority', nowMs });
  const [certFile, keyFile] = [join(folder, 'ended.cert.pem'), join(folder, 'ended.key.pem')];
  writeFileSync(certFile, made.caCertificatePem);
  writeFileSync(keyFile, made.caPrivateKeyPem, { mode: 0o600 });
  return { folder, certFile, keyFile };
}

/** Lifetime of a signing authority. */
const AUTHORITY_DAYS = 20 * 365;
const DAY_MS = 24 * 60 * 60_000;
/** Lifetime of a signer of specifications. */
const SIGNER_DAYS = 90;

async function signed(
  folder: string,
  name: string,
  authority: Authority | null,
  extensions: string,
): Promise<MadeCertificate> {
  const at = (ending: string) => join(folder, `${name}.${ending}`);
  const [certFile, keyFile] = [at('cert.pem'), at('key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await execa('openssl', ['req', ...curve, '-subj', `/CN=${name}`, '-keyout', keyFile, '-out', at('csr')]);
  writeFileSync(at('ext'), `${extensions}\n`);
  const signer =
    authority === null
      ? ['-signkey', keyFile]
      : ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial'];
  const args = ['-req', '-in', at('csr'), ...signer, '-days', '2', '-extfile', at('ext'), '-out', certFile];
  await execa('openssl', ['x509', ...args]);
  return { certFile, keyFile };
}
