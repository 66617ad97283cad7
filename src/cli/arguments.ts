import { InvalidArgumentError } from 'commander';
import { problemOfBundleUrl, problemOfCommitId, problemOfGitUrl } from '../protocol/specification.ts';
import { readNetwork } from '../system/network.ts';

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** `Environment=production` → a tag. */
export function parseTag(text: string): Tag {
  const equals = text.indexOf('=');
  if (equals < 1 || equals === text.length - 1) {
    throw new InvalidArgumentError(`'${text}' is not KEY=VALUE`);
  }
  return { Key: text.slice(0, equals), Value: text.slice(equals + 1) };
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8400`, `[::1]:8400`, `8400` (loopback) → host and port; port 0 lets the system choose. */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new InvalidArgumentError(`'${text}' is not HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
}

/** A folder by its name, which an empty text is not: it would mean the folder that somebody happens to be in. */
export function parseFolder(text: string): string {
  if (text === '') throw new InvalidArgumentError('An empty text names no folder.');
  return text;
}

/** A host name alone, in lower case: neither a port nor a scheme, and no address, since names are put in front of it. */
export function parseDomain(text: string): string {
  const name = text.toLowerCase();
  const isName = /^[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,10}$/.test(name) && !/^[\d.]+$/.test(name);
  if (!isName) throw new InvalidArgumentError(`'${text}' is no host name such as s3.example.com`);
  return name;
}

/** Addresses and networks with commas between them. A whole Internet is refused: then everybody could say who they are. */
export function parseNetworks(text: string): readonly string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => {
      const network = readNetwork(one);
      if (network === null) throw new InvalidArgumentError(`'${one}' is no address and no network such as 10.0.0.0/8`);
      if (network.bits > 0) return one;
      throw new InvalidArgumentError(`'${one}' holds every address, so every client could name another as its own`);
    });
}

/** For an option that may be repeated: parses each value and gathers them in the order given. */
export function collect<T>(
  parse: (text: string) => T,
): (text: string, gathered: readonly T[] | undefined) => readonly T[] {
  return (text, gathered) => [...(gathered ?? []), parse(text)];
}

/** `s3://bucket/some/key` → its parts. */
export function parseS3Url(text: string): { readonly bucket: string; readonly key: string } {
  const match = /^s3:\/\/([^/]+)\/(.+)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined)
    throw new InvalidArgumentError(`'${text}' is not s3://BUCKET/KEY`);
  return { bucket: match[1], key: match[2] };
}

/** `owner/repository@commit` → its parts. */
export function parseGitHubRevision(text: string): { readonly repository: string; readonly commitId: string } {
  const match = /^([^/@]+\/[^/@]+)@([^@]+)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError(`'${text}' is not OWNER/REPOSITORY@COMMIT`);
  }
  return { repository: match[1], commitId: match[2] };
}

/** `https://host/repository@commit` → its parts; an ssh address may have a user before its host. */
export function parseGitRevision(text: string): { readonly repository: string; readonly commitId: string } {
  const [, repository = '', commitId = ''] = /^(.*)@([^@/]*)$/s.exec(text) ?? [];
  const problem = problemOfGitUrl(repository) ?? problemOfCommitId(commitId);
  if (problem !== null) throw new InvalidArgumentError(`${problem}; it must be URL@COMMIT`);
  return { repository, commitId };
}

export function parseBundleUrl(text: string): string {
  const problem = problemOfBundleUrl(text);
  if (problem !== null) throw new InvalidArgumentError(problem);
  return text;
}

/** `200` → 200. */
export function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError(`'${text}' is not a count`);
  return Number(text);
}

/** A time that something is kept for. */
export type Days = number | 'forever';

/** Requests a second; `none`: as many as come. */
export type RequestsPerSecond = number | 'none';

const MAX_RATE = 1_000_000;

export function parseRate(text: string): RequestsPerSecond {
  if (text === 'none') return text;
  const rate = /^\d{1,7}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0;
  if (rate > 0 && rate <= MAX_RATE) return rate;
  throw new InvalidArgumentError(`'${text}' is neither a number of requests a second up to ${MAX_RATE} nor none`);
}

/** A hundred years: what is meant to stay longer stays for ever. */
const MAX_DAYS = 36_500;

/** `365` → 365; `forever`. Not 0, which could mean either end. */
export function parseDays(text: string): Days {
  if (text === 'forever') return text;
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days < 1 || days > MAX_DAYS) {
    throw new InvalidArgumentError(`'${text}' is neither a number of days from 1 to ${MAX_DAYS} nor forever`);
  }
  return days;
}

/** Description of the group argument, for every command that works on a group of this host. */
export const GROUP_ARGUMENT = 'deployment group of this host: APPLICATION/GROUP, name or id';

/** A date or a time → epoch seconds. */
export function parseTime(text: string): number {
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError(`'${text}' is no time, as 2026-01-31 or 2026-01-31T14:05:09Z`);
  return ms / 1000;
}
