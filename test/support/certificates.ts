import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

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
