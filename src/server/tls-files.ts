/** The server's certificate and key at its start: said by name what is wrong with them, before a port is opened. */
import { X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import { shellCommand } from '../system/shell-word.ts';
import { ownUserName } from '../system/users.ts';
import type { TlsFiles } from './connections/guarded-server.ts';

/** Names of the credentials by which the unit hands the files over: `LoadCredential=NAME:FILE`. */
export const TLS_CREDENTIALS = { certFile: 'tls.pem', keyFile: 'tls.key' } as const;

/**
 * Finds what the server is to read. A file that is closed to its user is read from the credential that systemd has made of it as root. So a
 * private key may belong to root alone.
 *
 * @param folder CREDENTIALS_DIRECTORY of the environment; undefined: systemd has handed nothing over
 * @returns the files as they were given, where the user can read them or no credential stands for them
 * @see systemd.exec(5), LoadCredential=
 */
export function readableTlsFiles(files: TlsFiles, folder: string | undefined): TlsFiles {
  if (folder === undefined) return files;
  const standIn = (file: string, name: string) => {
    const credential = join(folder, name);
    return isClosed(file) && holdsPem(credential) ? credential : file;
  };
  return {
    certFile: standIn(files.certFile, TLS_CREDENTIALS.certFile),
    keyFile: standIn(files.keyFile, TLS_CREDENTIALS.keyFile),
  };
}

function isClosed(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return false;
  } catch (error) {
    return systemErrorCode(error) === 'EACCES';
  }
}

/** The unit has a word in the credential's place where the file that it names is absent. */
function holdsPem(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').includes('-----BEGIN ');
  } catch {
    return false;
  }
}

/**
 * Whether the server's own user can read both files, and whether they go together.
 *
 * @throws SlipwayError CONFIG_MISSING, CONFIG_UNREADABLE, CONFIG_INVALID
 */
export function requireTlsFiles({ certFile, keyFile }: TlsFiles): void {
  const [cert, key] = [read(certFile), read(keyFile)];
  if (!cert.includes('-----BEGIN CERTIFICATE-----')) {
    throw invalid(`the TLS certificate ${certFile} holds no certificate in PEM`, {
      remedy: 'Write the certificate with its chain as PEM: lines between BEGIN CERTIFICATE and END CERTIFICATE.',
    });
  }
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    const command = shellCommand('openssl', 'pkey', '-in', keyFile);
    throw invalid(`the TLS key ${keyFile} is locked with a passphrase`, {
      remedy: `Nobody is asked for it: \`${command} -out NEW\` writes the key without one; keep mode 640.`,
    });
  }
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    throw invalid(`the TLS key ${keyFile} holds no private key in PEM`, {
      remedy: 'Put the private key there as PEM.',
    });
  }
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const isOther = /KEY_VALUES_MISMATCH|key values mismatch|KEY_TYPE_MISMATCH/i.test(
      `${systemErrorCode(cause)} ${messageOf(cause)}`,
    );
    throw invalid(
      isOther
        ? `the TLS key ${keyFile} does not belong to the first certificate in ${certFile}`
        : `the TLS files ${certFile} and ${keyFile} cannot be used: ${messageOf(cause)}`,
      {
        cause,
        remedy: isOther
          ? 'Put back the key that the certificate was made for; the server’s own certificate comes first, its chain behind it.'
          : 'Put both there anew, as PEM; `slipway server doctor` looks at them one by one.',
      },
    );
  }
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Finds the private authority that signed a server's certificate, for its clients: the one in the chain that has signed itself. A public
 * authority's chain ends before that, since everybody has it.
 *
 * @returns SHA-256 of the certificate, in hex; null: the chain has none
 */
export function authoritySha256(certFile: string): string | null {
  const chain = (read(certFile).match(CERTIFICATES) ?? []).map((pem) => new X509Certificate(pem));
  const authority = chain.find((one) => one.checkIssued(one));
  return authority?.fingerprint256.replaceAll(':', '').toLowerCase() ?? null;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT') {
      const remedy = 'Check the paths behind --tls-cert and --tls-key.';
      throw new SlipwayError('CONFIG_MISSING', `the TLS file ${file} does not exist`, { cause, remedy });
    }
    if (systemErrorCode(cause) === 'EISDIR') {
      throw invalid(`the TLS file ${file} is a folder`, { cause, remedy: 'Name the file in it.' });
    }
    const own = ownUserName();
    const command = `${shellCommand('chown', `root:${own}`, file)} && ${shellCommand('chmod', '640', file)}`;
    const remedy = `Let that user read it: ${command}. The folders on the way must be open to it, too. Or let systemd read it: LoadCredential= in the unit (docs/tls.md).`;
    const message = `the TLS file ${file} cannot be read by the user ${own}: ${messageOf(cause)}`;
    throw new SlipwayError('CONFIG_UNREADABLE', message, { cause, remedy });
  }
}

function invalid(message: string, options: { readonly remedy: string; readonly cause?: unknown }): SlipwayError {
  return new SlipwayError('CONFIG_INVALID', message, options);
}
