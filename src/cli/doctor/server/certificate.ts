/** The server's certificate and key: whether its user can read them, and whether those who connect will accept them. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { getCACertificates } from 'node:tls';
import { messageOf, systemErrorCode } from '../../../errors.ts';
import { shellCommand } from '../../../system/shell-word.ts';
import { readAuthorities } from '../../../system/trust.ts';
import { canReadAs } from '../access.ts';
import { type Finding, fail, ok, warn } from '../check.ts';
import type { Environment } from '../service-environment.ts';
import { judgeChain } from './chain.ts';

const CHECK = 'certificate';
const DAY_MS = 24 * 60 * 60_000;
/** Authorities renew a month before the end; who is later has a renewal that does not work. */
const SOON_DAYS = 30;
const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

export interface CertificateFacts {
  readonly certFile: string;
  readonly keyFile: string;
  /** User that the server runs as; null: the user who asks. */
  readonly user: string | null;
  /** Files that systemd reads as root and hands over to the server. */
  readonly handedOver: readonly string[];
  readonly nowMs: number;
  /** Names that clients call the server by, where the settings tell, each with the setting that says so. */
  readonly names: readonly { readonly host: string; readonly setting: string }[];
  readonly env: Environment;
  /** A file with the authority that hosts trust; null: none is named. */
  readonly caFile: string | null;
}

export interface LookedAtCertificate {
  readonly findings: readonly Finding[];
  /** SHA-256 of the first certificate in the file; null: it cannot be read. */
  readonly fingerprint: string | null;
}

export async function lookAtCertificate(facts: CertificateFacts): Promise<LookedAtCertificate> {
  const { certFile, keyFile, handedOver } = facts;
  const reader = (file: string) => (handedOver.includes(file) ? null : facts.user);
  const unreadable = [certFile, keyFile].flatMap((file) => refusal(file, reader(file), file === keyFile));
  const chain = readChain(certFile);
  if ('fault' in chain) return { findings: unreadable.length > 0 ? unreadable : [chain.fault], fingerprint: null };
  const { certificates } = chain;
  const [leaf] = certificates;
  if (leaf === undefined) return { findings: unreadable, fingerprint: null };
  const findings = [
    ...unreadable,
    ...matchKey(certificates, facts),
    ...judgeTimes(certificates, facts),
    ...judgeChain(certificates, { certFile, ...authorities(facts) }),
    ...(await judgeNames(leaf, facts)),
  ];
  const sound = `${subjectOf(leaf)}, valid for ${daysLeft(leaf, facts.nowMs)} days more`;
  return { findings: findings.length === 0 ? [ok(CHECK, sound)] : findings, fingerprint: leaf.fingerprint256 };
}

function refusal(file: string, user: string | null, isKey: boolean): Finding[] {
  let mode: number;
  try {
    ({ mode } = statSync(file));
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') {
      return [fail(CHECK, `${file} cannot be looked at: ${messageOf(error)}`, 'Run the doctor as root.')];
    }
    const remedy = `Put it there, or correct ${isKey ? '--tls-key (SLIPWAY_TLS_KEY)' : '--tls-cert (SLIPWAY_TLS_CERT)'}.`;
    return [fail(CHECK, `${file} does not exist`, remedy)];
  }
  if (canReadAs(file, user) === false) {
    const who = user ?? 'this user';
    const own = user ?? 'USER';
    const remedy = `Let that user read it: \`${shellCommand('chown', `root:${own}`, file)} && ${shellCommand('chmod', '640', file)}\`. The folders on the way must be open to it, too.`;
    return [fail(CHECK, `${file} cannot be read by ${who}, whom the server runs as`, remedy)];
  }
  if (isKey && (mode & 0o004) !== 0) {
    return [warn(CHECK, `the key ${file} may be read by everybody`, shellCommand('chmod', 'o-r', file))];
  }
  return [];
}

function readChain(
  certFile: string,
): { readonly certificates: readonly X509Certificate[] } | { readonly fault: Finding } {
  try {
    const found = readFileSync(certFile, 'utf8').match(PEM) ?? [];
    if (found.length > 0) return { certificates: found.map((pem) => new X509Certificate(pem)) };
    const remedy = `Write it as PEM, with the chain: \`${shellCommand('openssl', 'x509', '-inform', 'der', '-in', certFile)}\` converts one that is binary.`;
    return { fault: fail(CHECK, `${certFile} holds no certificate in PEM`, remedy) };
  } catch (error) {
    const remedy = 'Put the certificate there anew, as PEM; the one that is there cannot be used.';
    return { fault: fail(CHECK, `${certFile} cannot be read as certificates: ${messageOf(error)}`, remedy) };
  }
}

function matchKey(certificates: readonly X509Certificate[], { certFile, keyFile }: CertificateFacts): Finding[] {
  let key: KeyObject;
  try {
    key = createPrivateKey(readFileSync(keyFile));
  } catch (error) {
    // That it cannot be read was said.
    if (/^E[A-Z]+$/.test(systemErrorCode(error) ?? '')) return [];
    const isLocked = /passphrase|MISSING_PASSPHRASE|interrupted or cancelled/i.test(
      `${systemErrorCode(error)} ${messageOf(error)}`,
    );
    const remedy = isLocked
      ? `The server is asked for no passphrase: \`${shellCommand('openssl', 'pkey', '-in', keyFile)} -out NEW\` writes it without one; keep mode 640.`
      : 'Put the private key there as PEM.';
    const why = isLocked ? 'is locked with a passphrase' : `holds no private key: ${messageOf(error)}`;
    return [fail(CHECK, `${keyFile} ${why}`, remedy)];
  }
  const at = certificates.findIndex((certificate) => certificate.checkPrivateKey(key));
  if (at === 0) return [];
  if (at > 0) {
    const remedy = `Write the server’s own certificate first into ${certFile}, then the one that signed it, and so on.`;
    return [
      fail(
        CHECK,
        `the first certificate in ${certFile} is not the server’s own: the key fits number ${at + 1}`,
        remedy,
      ),
    ];
  }
  const remedy =
    'Put back the key that the certificate was made for, or have one made for this key; they are renewed together.';
  return [fail(CHECK, `the key ${keyFile} does not belong to the certificate in ${certFile}`, remedy)];
}

function judgeTimes(certificates: readonly X509Certificate[], { nowMs }: CertificateFacts): Finding[] {
  return certificates.flatMap((certificate, index) => {
    const what = index === 0 ? 'the certificate' : `the certificate of the authority ${subjectOf(certificate)}`;
    const renew =
      index === 0
        ? 'Renew it, put it in its place and restart the server; look why nothing renewed it.'
        : 'Put the authority’s present certificate into the chain; the one that issues the server’s has it.';
    if (nowMs < certificate.validFromDate.getTime()) {
      const remedy = 'This machine’s clock is behind (`timedatectl set-ntp true`), or the certificate is for later.';
      return [fail(CHECK, `${what} is not valid before ${certificate.validFromDate.toISOString()}`, remedy)];
    }
    const days = daysLeft(certificate, nowMs);
    const end = certificate.validToDate.toISOString();
    if (certificate.validToDate.getTime() <= nowMs) return [fail(CHECK, `${what} has ended on ${end}`, renew)];
    return days < SOON_DAYS
      ? [warn(CHECK, `${what} ends in ${days} day${days === 1 ? '' : 's'}, on ${end}`, renew)]
      : [];
  });
}

async function judgeNames(leaf: X509Certificate, { names }: CertificateFacts): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { host, setting } of names) {
    if (await fits(leaf, host)) continue;
    findings.push(
      fail(
        CHECK,
        `is for ${namesOf(leaf).join(', ') || subjectOf(leaf)}, and ${setting} says ${host}`,
        `Have a certificate made for ${host}, or write a name of the certificate into ${setting}.`,
      ),
    );
  }
  return findings;
}

/** Whether it is for the host, or for a name that leads to this very address. */
async function fits(leaf: X509Certificate, host: string): Promise<boolean> {
  if (isIP(host) === 0) return leaf.checkHost(host) !== undefined;
  if (leaf.checkIP(host) !== undefined) return true;
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address)),
  );
  for (const name of namesOf(leaf).filter((one) => isIP(one) === 0 && !one.includes('*'))) {
    const addresses = await lookup(name, { all: true }).catch(() => []);
    // Behind a router or a balancer the name leads elsewhere, and only that one knows where to.
    if (addresses.some(({ address }) => address === host || (!own.has(address) && !isLoopback(host)))) return true;
  }
  // A wildcard leads anywhere.
  return namesOf(leaf).some((name) => name.includes('*')) && !isLoopback(host);
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return subjectAltName.split(', ').flatMap((entry) => /^(?:DNS|IP Address):(.*)$/.exec(entry)?.[1] ?? []);
}

function subjectOf({ subject }: X509Certificate): string {
  return (subject ?? '').split('\n').join(', ') || '(no name)';
}

function daysLeft({ validToDate }: X509Certificate, nowMs: number): number {
  return Math.floor((validToDate.getTime() - nowMs) / DAY_MS);
}

function authorities({ env, caFile }: CertificateFacts) {
  let named: readonly string[] = [];
  try {
    named = readAuthorities({ env, caFile });
  } catch {
    // What cannot be read trusts nobody.
  }
  const read = (pems: readonly string[]) => pems.map((pem) => new X509Certificate(pem));
  return { trusted: () => read([...getCACertificates('default'), ...getCACertificates('system')]), named: read(named) };
}
