/** Reasons for which calls to AWS fail. Pure. */
import { isSlipwayError } from '../../../errors.ts';

/**
 * `throttled`: too many calls, and the same one is taken later; `denied`: the credentials are missing, expired or may not do this;
 * `missing`: the thing that the call is about does not exist; `limit`: a quota of the account; `refused`: AWS understood the call and does not
 * do it; `nowhere`: there is no such address, as of a region that does not exist; `away`: no answer that says anything.
 */
export type AwsTrouble = 'throttled' | 'denied' | 'missing' | 'limit' | 'refused' | 'nowhere' | 'away';

export interface AwsFailure {
  readonly trouble: AwsTrouble;
  /** AWS' own code, as `TargetGroupNotFound`; empty: it has given none. */
  readonly code: string;
  /** Code, message and request id in one line. */
  readonly answer: string;
}

const THROTTLED = /^(Throttl|RequestThrottled|RequestLimitExceeded|TooManyRequests|BandwidthLimitExceeded|SlowDown)/;
const DENIED =
  /^(AccessDenied|Unauthorized|NotAuthorized|AuthFailure|ExpiredToken|RequestExpired|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|IncompleteSignature|InvalidSignature|MissingAuthenticationToken|OptInRequired|CredentialsProviderError|InvalidAccessKeyId)/;
/** The keys themselves are wrong. An expired one may be renewed, and a right that was just given needs a while. */
const WRONG_CREDENTIALS =
  /^(AuthFailure|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|IncompleteSignature|InvalidSignature|MissingAuthenticationToken|CredentialsProviderError|InvalidAccessKeyId)/;
/** Words of the SDK, which gives these errors no name. */
const WRONG_REGION = /^(Region not accepted|Region is missing|Invalid region)/;
const MISSING = /(NotFound|NotFoundException|\.NotFound)$/;
const LIMIT = /(LimitExceeded|LimitExceededFault|LimitExceededException|^TooMany\w*)$/;
/** More of a message is not kept; characters. */
const MAX_MESSAGE = 400;

/** @param error what the SDK, or a signed request of our own, has thrown */
export function awsFailureOf(error: unknown): AwsFailure {
  const {
    name,
    message,
    code: ownCode,
    $metadata,
    cause,
  } = (error ?? {}) as {
    readonly name?: unknown;
    readonly message?: unknown;
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: unknown; readonly requestId?: unknown };
    readonly cause?: unknown;
  };
  const status = typeof $metadata?.httpStatusCode === 'number' ? $metadata.httpStatusCode : null;
  const code = typeof name === 'string' && !/^(Error|TypeError|AbortError|TimeoutError)$/.test(name) ? name : '';
  const why = cause instanceof Error && status === null ? cause.message : message;
  const said = name === 'AbortError' || name === 'TimeoutError' ? 'there was no answer in time' : String(why || error);
  const request = typeof $metadata?.requestId === 'string' ? ` (request ${$metadata.requestId})` : '';
  const answer = `${code === '' ? '' : `${code}: `}${oneLine(said)}${request}`;
  const isNowhere = [ownCode, (cause as { readonly code?: unknown } | undefined)?.code].includes('ENOTFOUND');
  const trouble = status === null && (isNowhere || WRONG_REGION.test(said)) ? 'nowhere' : troubleOf(code, status);
  return { trouble, code, answer };
}

/**
 * Whether only people can put right what a call has met: a thing that is missing, a refusal, keys that AWS does not know, a region that does not
 * exist. Where traffic has moved already, wrong keys and an unknown address get some patience, because leading traffic back needs them, too.
 */
export function isForPeople({ trouble, code }: Pick<AwsFailure, 'trouble' | 'code'>, hasBegun: boolean): boolean {
  if (trouble === 'missing' || trouble === 'refused' || trouble === 'limit') return true;
  return !hasBegun && (trouble === 'nowhere' || WRONG_CREDENTIALS.test(code));
}

/** Describes the fault of a call in one line. For a missing package it adds how to install it, because the line is read far from here. */
export function whyInWords(error: unknown): string {
  return isSlipwayError(error, 'PACKAGE_MISSING') ? `${error.message}. ${error.remedy}` : awsFailureOf(error).answer;
}

function troubleOf(code: string, status: number | null): AwsTrouble {
  if (THROTTLED.test(code) || status === 429) return 'throttled';
  if (DENIED.test(code) || status === 401 || status === 403) return 'denied';
  if (MISSING.test(code.replace(/Exception$/, '')) || status === 404) return 'missing';
  if (LIMIT.test(code)) return 'limit';
  return status !== null && status >= 400 && status < 500 ? 'refused' : 'away';
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_MESSAGE);
}
