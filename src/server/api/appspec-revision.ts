/** Revisions of Lambda and ECS that are an AppSpec file, in the request itself. */
import { createHash } from 'node:crypto';
import { readResourceAppSpec } from '../../appspec/resources/read.ts';
import type { ResourceAppSpec } from '../../appspec/resources/types.ts';
import type { Finding } from '../../appspec/types.ts';
import { ApiError } from '../../protocol/errors.ts';
import type { RevisionLocation } from '../../protocol/management/revision-location.ts';
import type { Input } from './context.ts';
import { quote, readText } from './input.ts';

type ShiftedPlatform = ResourceAppSpec['platform'];

/** Bytes; no file of this kind comes near it. */
const MAX_CONTENT_BYTES = 64 * 1024;
/** More findings than these tell nothing new in an exception; `slipway validate` shows all. */
const MAX_FINDINGS = 5;

/** The member that each type has its content in. */
const MEMBERS = { AppSpecContent: 'appSpecContent', String: 'string' } as const;

export type ContentType = keyof typeof MEMBERS;

export interface ContentRequest {
  readonly type: ContentType;
  /** Value that the request has under the type's member. */
  readonly given: Input;
  /** Path of that member, for messages. */
  readonly path: string;
  readonly platform: ShiftedPlatform;
  /** A revision that is only looked for is known by its digest alone. */
  readonly isLookup: boolean;
}

/**
 * @returns the location with its digest, which makes its identity
 * @throws ApiError InvalidRevisionException for a digest that is another one's, and with each error of the file and its place
 */
export function readContentRevision({ type, given, path, platform, isLookup }: ContentRequest): RevisionLocation {
  const content = readText(given, 'content');
  const claimed = readText(given, 'sha256')?.toLowerCase() ?? null;
  if (claimed !== null && !/^[0-9a-f]{64}$/.test(claimed)) {
    throw invalid(`${path}.sha256 must be 64 hexadecimal digits, but is ${quote(claimed)}.`);
  }
  if (content === null || content === '') {
    if (isLookup && claimed !== null) return { revisionType: type, [MEMBERS[type]]: { sha256: claimed } };
    throw invalid(`${path}.content is missing or empty: it is the AppSpec file itself.`);
  }
  const bytes = Buffer.byteLength(content);
  if (bytes > MAX_CONTENT_BYTES) {
    throw invalid(`${path}.content has ${bytes} bytes; ${MAX_CONTENT_BYTES} is the limit.`);
  }
  const sha256 = createHash('sha256').update(content).digest('hex');
  if (claimed !== null && claimed !== sha256) {
    throw invalid(`${path}.sha256 is ${claimed}, but the content's digest is ${sha256}.`);
  }
  if (!isLookup) parseContent(content, platform, `${path}.content`);
  return { revisionType: type, [MEMBERS[type]]: { content, sha256 } };
}

/** @param what it is, for messages @throws ApiError InvalidRevisionException */
function parseContent(content: string, platform: ShiftedPlatform, what: string): ResourceAppSpec {
  const reading = readResourceAppSpec(content, { filename: what, platform });
  if (reading.ok) return reading.appSpec;
  const errors = reading.findings.filter(({ severity }) => severity === 'error');
  const more = errors.length > MAX_FINDINGS ? `; and ${errors.length - MAX_FINDINGS} more` : '';
  const said = errors.slice(0, MAX_FINDINGS).map(inWords).join('; ');
  throw invalid(`${what} is no AppSpec file for ${platform}: ${said}${more}.`);
}

function inWords({ position, message }: Finding): string {
  return position === null ? message : `line ${position.line}, column ${position.column}: ${message}`;
}

function invalid(why: string): ApiError {
  return new ApiError('InvalidRevisionException', why);
}
