/**
 * Authorities that this process trusts when it speaks TLS. They are those that Node brings, those of the system, and those that the
 * configuration (`ca_file`) or the environment names. Node keeps one list for the whole process, so it is set here and nowhere else.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';

const FILES = ['SSL_CERT_FILE', 'AWS_CA_BUNDLE', 'AWS_SSL_CA_BUNDLE'] as const;
const FOLDER = 'AWS_SSL_CA_DIRECTORY';
/** Where Node looks for the system's authorities. */
const SYSTEM_FOLDER = '/etc/ssl/certs';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where authorities are named that are trusted beside Node's and the system's. */
export interface TrustSources {
  /** SSL_CERT_FILE, AWS_CA_BUNDLE and AWS_SSL_CA_BUNDLE name a file; AWS_SSL_CA_DIRECTORY a folder of `*.pem`, or a file. */
  readonly env: Environment;
  /** `ca_file` of the agent's configuration, or what a command was given; null: none. */
  readonly caFile: string | null;
  /** Where that is named: `--ca-file`; not given: `ca_file` of the configuration. */
  readonly caFileFrom?: string;
}

/**
 * The certificates, PEM, that configuration and environment name; each once.
 *
 * @throws SlipwayError CONFIG_UNREADABLE naming key or variable, and path
 */
export function readAuthorities({ env, caFile, caFileFrom = 'ca_file' }: TrustSources): readonly string[] {
  const folder = env[FOLDER];
  return distinct([
    ...(caFile === null ? [] : readCertificates(caFileFrom, caFile)),
    ...FILES.flatMap((name) => (env[name] ? readCertificates(name, env[name]) : [])),
    ...(folder ? listFolder(folder).flatMap((file) => certificatesIn(readNamed(FOLDER, file))) : []),
  ]);
}

/** Is told of each address before it is connected to; null: of none. @throws SlipwayError CONFIG_UNREADABLE */
export type TrustFor = (...addresses: readonly (URL | null)[]) => Promise<void>;

/** Trusts everybody from all sources, from the first connection over TLS on: hundreds of authorities take 14 MB. */
export function createTrust(sources: TrustSources): TrustFor {
  let loaded: Promise<void> | null = null;
  return async (...addresses) => {
    if (!addresses.some((address) => address?.protocol === 'https:')) return;
    loaded ??= trustAuthorities(sources);
    await loaded;
  };
}

/** Makes every TLS client of this process trust the authorities of all sources. */
export async function trustAuthorities(sources: TrustSources): Promise<void> {
  const named = readAuthorities(sources);
  const { getCACertificates, setDefaultCACertificates } = await import('node:tls');
  // Node writes a complaint of its own where there is no such folder.
  const system = existsSync(sources.env['SSL_CERT_DIR'] || SYSTEM_FOLDER) ? getCACertificates('system') : [];
  setDefaultCACertificates(distinct([...getCACertificates('default'), ...system, ...named]));
}

/** Makes every TLS client of this process trust one authority and nobody else. @param authority its certificate, PEM */
export async function trustOnly(authority: string): Promise<void> {
  const { setDefaultCACertificates } = await import('node:tls');
  setDefaultCACertificates([authority]);
}

/** Trust that begins narrow, for a daemon that talks to one server for months. */
export interface NarrowTrust {
  /** Trusts those that are named alone; where nobody is named, those that Node brings. */
  begin: TrustFor;
  /**
   * Trusts all sources. Call it when a certificate does not verify.
   * @returns whether more are trusted now than before: whether to try again
   */
  widen(): Promise<boolean>;
}

/** The authorities that are named mostly suffice, and the others would take a third of an idle daemon's memory. */
export function createNarrowTrust(sources: TrustSources): NarrowTrust {
  let isWide = false;
  return {
    async begin(...addresses) {
      if (isWide || !addresses.some((address) => address?.protocol === 'https:')) return;
      const named = readAuthorities(sources);
      if (named.length === 0) return;
      const { setDefaultCACertificates } = await import('node:tls');
      setDefaultCACertificates([...named]);
    },
    async widen() {
      if (isWide) return false;
      await trustAuthorities(sources);
      isWide = true;
      return true;
    },
  };
}

function listFolder(path: string): string[] {
  if (!existsSync(path))
    throw unreadable(FOLDER, path, Object.assign(new Error('it does not exist'), { code: 'ENOENT' }));
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith('.pem'))
    .sort()
    .map((name) => join(path, name));
}

function readCertificates(source: string, path: string): readonly string[] {
  const found = certificatesIn(readNamed(source, path));
  if (found.length === 0) throw unreadable(source, path, new Error('there is no certificate in it (PEM)'));
  return found;
}

function readNamed(source: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unreadable(source, path, error);
  }
}

function certificatesIn(pem: string): readonly string[] {
  return pem.match(CERTIFICATE) ?? [];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function unreadable(source: string, path: string, cause: unknown): SlipwayError {
  return new SlipwayError('CONFIG_UNREADABLE', `${source} names ${path}: ${messageOf(cause)}`, {
    cause,
    remedy: remedyOf(systemErrorCode(cause), source),
  });
}

function remedyOf(code: string | null, source: string): string {
  if (code === null || code === 'EISDIR') {
    return `Name in ${source} a file of certificates in PEM, with lines -----BEGIN CERTIFICATE-----.`;
  }
  if (code === 'EACCES' || code === 'EPERM') return 'Let this user read it, and pass the folders above it.';
  return `Correct the path in ${source}, or put the file there.`;
}
