import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SlipwayError } from '../errors.ts';

const FILES = ['SSL_CERT_FILE', 'AWS_CA_BUNDLE', 'AWS_SSL_CA_BUNDLE'] as const;

/** For a server whose certificate nobody has signed that is trusted here. */
export const TRUST_REMEDY =
  'Have SSL_CERT_FILE or AWS_SSL_CA_DIRECTORY name the certificate of its authority, or trust the system’s store with NODE_USE_SYSTEM_CA=1.';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The certificates, PEM, that the environment adds to the system's: SSL_CERT_FILE, AWS_CA_BUNDLE and AWS_SSL_CA_BUNDLE name a file,
 * AWS_SSL_CA_DIRECTORY a folder of `*.pem` (or a file, as some have it).
 *
 * @throws SlipwayError CONFIG_UNREADABLE naming variable and path
 */
export function readAuthorities(env: Environment): readonly string[] {
  const folder = env['AWS_SSL_CA_DIRECTORY'];
  return [
    ...FILES.flatMap((name) => (env[name] ? [readNamed(name, env[name])] : [])),
    ...(folder ? listFolder(folder).map((file) => readNamed('AWS_SSL_CA_DIRECTORY', file)) : []),
  ].flatMap((pem) => pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []);
}

/** Is told of each address before it is connected to; null: of none. @throws SlipwayError CONFIG_UNREADABLE */
export type TrustFor = (...addresses: readonly (URL | null)[]) => Promise<void>;

/** Hundreds of authorities take 14 MB: they are loaded for the first connection over TLS, and never where there is none. */
export function createTrust(env: Environment): TrustFor {
  let loaded: Promise<void> | null = null;
  return async (...addresses) => {
    if (!addresses.some((address) => address?.protocol === 'https:')) return;
    loaded ??= trustAuthorities(env);
    await loaded;
  };
}

/** Makes every TLS client of this process trust them, beside Node's own and the system's. Nothing is loaded when there are none. */
export async function trustAuthorities(env: Environment): Promise<void> {
  // Several variables mostly name the same file.
  const added = [...new Set(readAuthorities(env))];
  if (added.length === 0) return;
  const { getCACertificates, setDefaultCACertificates } = await import('node:tls');
  setDefaultCACertificates([...getCACertificates('default'), ...getCACertificates('system'), ...added]);
}

function listFolder(path: string): string[] {
  if (!existsSync(path)) throw unreadable('AWS_SSL_CA_DIRECTORY', path, new Error('it does not exist'));
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith('.pem'))
    .sort()
    .map((name) => join(path, name));
}

function readNamed(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(variable, path, error);
  }
}

function unreadable(variable: string, path: string, cause: unknown): SlipwayError {
  return new SlipwayError('CONFIG_UNREADABLE', `${variable} names ${path}: ${messageOf(cause)}`, { cause });
}
