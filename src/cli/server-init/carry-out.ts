/** Carries out what `slipway server init` has planned: nothing that is there is overwritten, and a failure leaves nothing behind. */
import { X509Certificate } from 'node:crypto';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { messageOf, SlipwayError, systemErrorCode } from '../../errors.ts';
import { requireTlsFiles } from '../../server/tls-files.ts';
import type { Clock } from '../../system/clock.ts';
import { createFileDurably, writeFileDurably } from '../../system/durable-file.ts';
import type { Random } from '../../system/random.ts';
import { fileFault } from '../../system/system-remedies.ts';
import { CREDENTIALS_FILE, credentialsText } from './credentials.ts';
import type { InitPlan } from './plan.ts';
import { makePrivateTls, type PrivateTls } from './private-tls.ts';
import { settingsThatAreSet, withSettings } from './settings-text.ts';

export interface InitContext {
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'bytes'>;
  /** All settings of the server with their defaults, commented out: the text of a new file. */
  readonly template: string;
  /** The group whose members, the service's user alone, may read the server's key; null: nobody but the file's owner. */
  readonly keyGroup: number | null;
  /** Whether systemd reads the TLS files as root and hands them over to the service: then they may be closed to its user. */
  readonly handsOver: boolean;
}

interface NewFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
  readonly group: number | null;
}

/**
 * @throws SlipwayError CLI_FILE_EXISTS, CLI_NOT_ROOT, CONFIG_UNREADABLE before anything is written; CONFIG_MISSING, CONFIG_UNREADABLE,
 * CONFIG_INVALID for TLS files that are given and cannot be used
 */
export function checkInit(plan: InitPlan): void {
  const { settingsFile, settings, tls, address } = plan;
  const text = readSettings(settingsFile);
  const set = settingsThatAreSet(text ?? '', settings);
  if (set.length > 0) {
    throw new SlipwayError('CLI_FILE_EXISTS', `${settingsFile} sets ${set.join(', ')} already: the server is set up`, {
      remedy: 'Change the settings there, or remove these lines and run the command again.',
    });
  }
  if (tls.kind === 'given') {
    requireTlsFiles(tls);
    requireNameIn(tls.certFile, address.host);
  }
  const inTheWay = tls.kind === 'private' ? tlsPaths(plan).filter((path) => isThere(path)) : [];
  if (inTheWay.length > 0) {
    throw new SlipwayError('CLI_FILE_EXISTS', `there are TLS files already: ${inTheWay.join(', ')}`, {
      remedy: 'Give --tls-cert and --tls-key to use them, or move them away: hosts trust that authority.',
    });
  }
}

/** @param names beside the address's that the certificate is for @returns the files that were written */
export async function carryOutInit(ctx: InitContext, plan: InitPlan, names: readonly string[]): Promise<string[]> {
  const { tls, settingsFile } = plan;
  const all = [...new Set([plan.address.host, ...names, 'localhost', '127.0.0.1', '::1'])];
  const making = { names: all, nowMs: ctx.clock.now(), random: ctx.random };
  const made = tls.kind === 'private' ? newFiles(plan, await makePrivateTls(making), ctx) : handedOver(plan, ctx);
  const written: string[] = [];
  try {
    for (const folder of new Set([...made.map(({ path }) => dirname(path)), dirname(settingsFile)])) makeFolder(folder);
    for (const file of made) {
      createFile(file);
      written.push(file.path);
    }
    writeSettings(ctx, plan);
  } catch (error) {
    for (const path of written) rmSync(path, { force: true });
    throw refusedByTheSystem(error, plan);
  }
  return [...written, settingsFile];
}

/** Files that are given may be root's alone, as those of certbot are. */
function handedOver({ tls }: InitPlan, { handsOver }: InitContext): NewFile[] {
  if (tls.kind !== 'given' || !handsOver) return [];
  return [{ path: CREDENTIALS_FILE, text: credentialsText(tls), mode: 0o644, group: null }];
}

function newFiles({ tls }: InitPlan, made: PrivateTls, { keyGroup, handsOver }: InitContext): NewFile[] {
  const isShared = keyGroup !== null && !handsOver;
  return [
    { path: tls.authorityFile, text: made.authorityCertificate, mode: 0o644, group: null },
    { path: tls.authorityKeyFile, text: made.authorityKey, mode: 0o600, group: null },
    { path: tls.certFile, text: made.serverChain, mode: 0o644, group: null },
    { path: tls.keyFile, text: made.serverKey, mode: isShared ? 0o640 : 0o600, group: isShared ? keyGroup : null },
  ];
}

function tlsPaths({ tls }: InitPlan): readonly string[] {
  return [tls.authorityFile, tls.authorityKeyFile, tls.certFile, tls.keyFile];
}

/** Also for the service's user, whatever the umask of root is: its own secrets are in files with modes of their own. */
function makeFolder(folder: string): void {
  for (let made = mkdirSync(folder, { recursive: true }), at = folder; made !== undefined; at = dirname(at)) {
    chmodSync(at, 0o755);
    if (at === made) break;
  }
}

function createFile({ path, text, mode, group }: NewFile): void {
  if (!createFileDurably(path, text, mode & 0o700)) throw new SlipwayError('CLI_FILE_EXISTS', `${path} is there now`);
  if (group !== null) chownSync(path, 0, group);
  chmodSync(path, mode);
}

function writeSettings({ template }: InitContext, { settingsFile, settings }: InitPlan): void {
  const before = readSettings(settingsFile);
  if (before === null) {
    // It may get the password of a database.
    if (createFileDurably(settingsFile, withSettings(template, settings), 0o600)) return;
    throw new SlipwayError('CLI_FILE_EXISTS', `${settingsFile} is there now`);
  }
  const { mode, uid, gid } = statSync(settingsFile);
  writeFileDurably(settingsFile, withSettings(before, settings), mode & 0o777);
  if (process.getuid?.() === 0) chownSync(settingsFile, uid, gid);
}

/** @returns null: there is no such file */
function readSettings(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (systemErrorCode(cause) === 'ENOENT' && !isThere(path)) return null;
    throw new SlipwayError(
      'CONFIG_UNREADABLE',
      `the settings ${path} cannot be read: ${messageOf(cause)}`,
      fileFault(cause),
    );
  }
}

/** Also a link that leads nowhere is something that somebody has put there. */
function isThere(path: string): boolean {
  return existsSync(path) || lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function requireNameIn(certFile: string, host: string): void {
  const leaf = new X509Certificate(readFileSync(certFile));
  if ((isIP(host) === 0 ? leaf.checkHost(host) : leaf.checkIP(host)) !== undefined) return;
  const names = leaf.subjectAltName ?? 'no name';
  throw new SlipwayError('CONFIG_INVALID', `the TLS certificate ${certFile} is not for ${host}, but for ${names}`, {
    remedy: 'Give an address that the certificate is for, or have a certificate made for this one.',
  });
}

function refusedByTheSystem(error: unknown, { settingsFile, isService }: InitPlan): unknown {
  const code = systemErrorCode(error);
  if (code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS') return error;
  return new SlipwayError('CLI_NOT_ROOT', `nothing was set up: ${messageOf(error)}`, {
    cause: error,
    remedy: isService
      ? 'Run it as root; or give --settings-file FILE, for a server of your own that is no service.'
      : `Give --settings-file a path in a folder that you may write to; this one is ${settingsFile}.`,
  });
}
