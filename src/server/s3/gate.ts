/**
 * The one gate of the revision store: which requests it understands. Pure.
 *
 * A request is understood when its method, its query names, and every header that could change its meaning stand in `operations.ts`. All
 * others are answered with 501 and change nothing: a store that ignores what it does not know replaces a bundle by its tags.
 */
import { overridesMethod } from '../../protocol/method-override.ts';
import { CHECKSUMS, type Level, OPERATIONS, type Operation, type OperationName, READS } from './operations.ts';
import { S3Error } from './s3-error.ts';

/** `x-amz-…` headers that belong to the signature or to the client, and change nothing. */
const HARMLESS = new Set(['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token', 'x-amz-user-agent']);
/** Some clients promise the checksum of a body that is empty. It is held against that, as every promise. */
const OF_ANY_BODY = [...CHECKSUMS, 'x-amz-sdk-checksum-algorithm'];
/** Headers without `x-amz-` that change what a request means. */
const CONDITIONS = new Set([...READS, 'if-range', 'content-range']);
/** Headers of which one value asks for nothing that is not done anyway. */
const ONLY_VALUE: Readonly<Record<string, string>> = {
  'x-amz-acl': 'private',
  'x-amz-storage-class': 'STANDARD',
  'x-amz-checksum-mode': 'ENABLED',
  // The SDK for Java would take an MD5 behind the object. It looks in the answer whether one comes.
  'x-amz-te': 'append-md5',
};

const ON_LEVEL = { store: 'the store itself', bucket: 'a bucket', object: 'an object' };

export interface Understood {
  readonly name: OperationName;
  readonly changes: boolean;
}

/**
 * The operation that a request asks for.
 *
 * @param query as it was sent, decoded
 * @param headers names in lower case
 * @throws S3Error NotImplemented, naming what is not understood
 */
export function understand(request: {
  readonly method: string;
  readonly level: Level;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
}): Understood {
  const { method, level, query, headers } = request;
  const chosen = OPERATIONS.filter((one) => one.method === method && one.level === level)
    .filter(({ chosenByHeader: name }) => name === null || headers[name] !== undefined)
    .filter(({ chosenBy }) => Object.entries(chosenBy).every(([name, value]) => isGiven(query, name, value)))
    .sort((a, b) => weightOf(b) - weightOf(a))[0];
  const what = `${method} on ${ON_LEVEL[level]}`;
  if (chosen === undefined) throw notImplemented(`${what}${namesOf(query)}`);
  for (const [name, value] of query) {
    const isOwn = Object.hasOwn(chosen.chosenBy, name) || chosen.query.includes(name);
    // What SDKs add so that logs show the operation.
    if (!isOwn && !(name === 'x-id' && value === chosen.name)) throw notImplemented(`${what} with '?${name}'`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (overridesMethod(name)) throw notImplemented(`${what} with the header ${name}`);
    if (!(name.startsWith('x-amz-') || CONDITIONS.has(name)) || HARMLESS.has(name)) continue;
    const isKept = chosen.keepsMetadata && name.startsWith('x-amz-meta-');
    const isKnown = chosen.headers.includes(name) || chosen.chosenByHeader === name || OF_ANY_BODY.includes(name);
    if (!isKept && !isKnown) throw notImplemented(`${chosen.name} with the header ${name}`);
    if (Object.hasOwn(ONLY_VALUE, name) && ONLY_VALUE[name] !== value)
      throw notImplemented(`${chosen.name} with the header ${name}: ${value}`);
  }
  return { name: chosen.name, changes: chosen.changes };
}

/** Weight of an operation: when a request fits two operations, the one with more marks is meant. */
function weightOf({ chosenBy, chosenByHeader }: Operation): number {
  return Object.keys(chosenBy).length + (chosenByHeader === null ? 0 : 1);
}

function isGiven(query: ReadonlyMap<string, string>, name: string, value: string | null): boolean {
  const given = query.get(name);
  return given !== undefined && (value === null || given === value);
}

function namesOf(query: ReadonlyMap<string, string>): string {
  return query.size === 0 ? '' : ` with ${[...query.keys()].map((name) => `'?${name}'`).join(', ')}`;
}

function notImplemented(what: string): S3Error {
  const shown = what.length > 300 ? `${what.slice(0, 300)}…` : what;
  return new S3Error('NotImplemented', 501, `The revision store does not know ${shown}. Nothing was changed.`);
}
