/** The file that says whose signatures count: lines of OpenSSH's `allowed_signers`, and public keys of minisign. Pure. */
import { messageOf } from '../errors.ts';
import { type WildcardPart, wildcardMatcher } from '../system/wildcards.ts';
import { type MinisignKey, parseMinisignKey } from './minisign.ts';
import { parseSshKey, type SshKey } from './ssh-key.ts';
import { decodeBase64, Malformed, quoted } from './ssh-wire.ts';

/** A key that is trusted. */
export type Signer = SshSigner | MinisignSigner;

export interface SshSigner {
  readonly format: 'ssh';
  /** The principals of its line, as they stand there. */
  readonly name: string;
  readonly keyId: string;
  readonly key: SshKey;
  /** Its own signatures do not count, but those of the keys that it has certified for the principals of the line. */
  readonly isAuthority: boolean;
  /** Patterns of what it may sign for; null: nothing is said about it. */
  readonly namespaces: string | null;
  readonly validAfterMs: number | null;
  readonly validBeforeMs: number | null;
}

export interface MinisignSigner {
  readonly format: 'minisign';
  /** Name in the comment above the key. */
  readonly name: string;
  readonly keyId: string;
  readonly key: MinisignKey;
}

export interface SignersReading {
  readonly signers: readonly Signer[];
  /** Each with the number of its line. A file with any is not used: nobody shall be left out, or let in, by a slip of the pen. */
  readonly problems: readonly string[];
}

export function parseSigners(text: string): SignersReading {
  const signers: Signer[] = [];
  const problems: string[] = [];
  let comment = '';
  for (const [index, line] of text
    .split(/\r?\n/)
    .map((one) => one.trim())
    .entries()) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('untrusted comment:')) {
      comment = line.slice('untrusted comment:'.length).trim();
      continue;
    }
    try {
      signers.push(/^\S+$/.test(line) ? minisignSigner(line, comment) : sshSigner(line));
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      problems.push(`line ${index + 1}: ${messageOf(error)}`);
    }
    comment = '';
  }
  return { signers, problems };
}

function minisignSigner(line: string, comment: string): MinisignSigner {
  const key = parseMinisignKey(line);
  return { format: 'minisign', name: comment || 'minisign', keyId: key.keyId, key };
}

/** Words; what is in double quotes stays together. */
const WORD = /(?:"[^"]*"|[^\s"])+/g;

/** `PRINCIPALS [OPTIONS] KEYTYPE BASE64 [COMMENT]`. @see ssh-keygen(1), ALLOWED SIGNERS */
function sshSigner(line: string): SshSigner {
  const [principals = '', second = '', ...rest] = line.match(WORD) ?? [];
  const hasOptions = !isKeyType(second);
  const [type = '', base64 = ''] = hasOptions ? rest : [second, ...rest];
  if (!isKeyType(type)) throw new Malformed('it is not NAME [OPTIONS] KEYTYPE KEY, as in allowed_signers');
  const key = parseSshKey(decodeBase64(base64));
  if (key.type !== type) throw new Malformed(`its key is not of the type ${type}`);
  const name = principals.replaceAll('"', '');
  return { format: 'ssh', name, keyId: key.fingerprint, key, ...(hasOptions ? readOptions(second) : NO_OPTIONS) };
}

function isKeyType(word: string): boolean {
  return /^(sk-)?(ssh|ecdsa)-[a-z0-9@.-]+$/.test(word);
}

type Options = Pick<SshSigner, 'isAuthority' | 'namespaces' | 'validAfterMs' | 'validBeforeMs'>;
const NO_OPTIONS: Options = { isAuthority: false, namespaces: null, validAfterMs: null, validBeforeMs: null };

function readOptions(text: string): Options {
  const options: { -readonly [Name in keyof Options]: Options[Name] } = { ...NO_OPTIONS };
  for (const option of text.match(/[^,"]+(?:"[^"]*")?/g) ?? []) {
    const [, name = '', value = ''] = /^([a-z-]+)(?:="([^"]*)")?$/i.exec(option) ?? [];
    switch (name.toLowerCase()) {
      case 'cert-authority':
        options.isAuthority = true;
        break;
      case 'namespaces':
        options.namespaces = value;
        break;
      case 'valid-after':
        options.validAfterMs = readTime(value);
        break;
      case 'valid-before':
        options.validBeforeMs = readTime(value);
        break;
      default:
        throw new Malformed(`the option ${quoted(option)} is not supported`);
    }
  }
  return options;
}

/** `YYYYMMDD[HHMM[SS]]` in this machine's time, with a `Z` in UTC. */
function readTime(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/.exec(text);
  const [, year = '', month = '', day = '', hour = '00', minute = '00', second = '00', zone = ''] = match ?? [];
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
  if (match === null || Number.isNaN(time)) throw new Malformed(`${quoted(text)} is no time: YYYYMMDD[HHMM[SS]][Z]`);
  return time;
}

/** Whether a list of patterns allows a text: `*`, `?`, and `!` for what is taken out. @see ssh_config(5), PATTERNS */
export function matchesPatterns(patterns: string, text: string): boolean {
  const list = patterns.split(',').map((pattern) => pattern.trim());
  const matches = (pattern: string) => matchesPattern(pattern, text);
  if (list.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))) return false;
  return list.some((pattern) => !pattern.startsWith('!') && matches(pattern));
}

function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.split(/(\*+|\?)/).map((piece): WildcardPart => {
    if (piece.startsWith('*')) return { kind: 'many', except: '' };
    return piece === '?' ? { kind: 'one', except: '' } : { kind: 'text', text: piece };
  });
  return wildcardMatcher(parts)(text);
}
