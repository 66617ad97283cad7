/**
 * Errors on the wire: AWS JSON 1.1, `{"__type": "<Name>", "message": "<text>"}` with the same name in `x-amzn-ErrorType`. Pure.
 *
 * `ApiError` is what a server throws to be answered so; `RemoteApiError` is what a client throws when it was answered so.
 */

/** The answer to a request that cannot be carried out: an error type of the API, a text for people, an HTTP status. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** As the API names it, such as `ApplicationDoesNotExistException`. */
  readonly type: string;
  readonly status: number;
  /** When the client may try again; null: nothing is said about that, or as usual for 503. */
  readonly retryAfterSeconds: number | null;

  /** @param status 400, which all modelled exceptions have, unless told otherwise */
  constructor(
    type: string,
    message: string,
    options: { readonly status?: number; readonly cause?: unknown; readonly retryAfterSeconds?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = type;
    this.status = options.status ?? 400;
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}

/** The answer of a server that cannot do its work just now. AWS clients repeat a request that was answered so. */
export function serviceUnavailable(message: string, cause?: unknown): ApiError {
  return new ApiError('ServiceUnavailable', message, { status: 503, cause });
}

/** How soon a client may try again after 503; seconds. */
const RETRY_AFTER_SECONDS = '2';

export interface EncodedApiError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The error as every AWS client reads it. Both places for its name are filled: clients differ in where they look. */
export function encodeApiError(error: ApiError): EncodedApiError {
  return {
    status: error.status,
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-errortype': error.type,
      ...retryAfterHeader(error),
    },
    body: JSON.stringify({ __type: error.type, message: error.message }),
  };
}

/** `retry-after`, where the client is told when to try again. */
export function retryAfterHeader({ status, retryAfterSeconds }: ApiError): { readonly 'retry-after'?: string } {
  if (retryAfterSeconds !== null) return { 'retry-after': String(retryAfterSeconds) };
  return status === 503 ? { 'retry-after': RETRY_AFTER_SECONDS } : {};
}

/** Error types and texts by which a service says «not so fast». */
const THROTTLE_TYPES: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'TooManyRequestsException',
  'Throttling',
  'RequestThrottled',
  'RequestThrottledException',
]);

/** An error answer that a client got. */
export class RemoteApiError extends Error {
  override readonly name = 'RemoteApiError';
  /** The bare name of the type; `HTTP <status>` when the answer had none. */
  readonly type: string;
  readonly status: number;
  readonly requestId: string | null;
  readonly isThrottle: boolean;
  /** How long the service asks to be left alone; milliseconds, null: it does not say. */
  readonly retryAfterMs: number | null;

  constructor(answer: {
    readonly type: string;
    readonly message: string;
    readonly status: number;
    readonly requestId?: string | null;
    readonly retryAfterMs?: number | null;
  }) {
    super(answer.message);
    this.type = answer.type;
    this.status = answer.status;
    this.requestId = answer.requestId ?? null;
    this.retryAfterMs = answer.retryAfterMs ?? null;
    this.isThrottle = answer.status === 429 || THROTTLE_TYPES.has(answer.type) || /rate exceeded/i.test(answer.message);
  }

  /** Whether the service said no, and would again. A page without a type comes from something in between, such as a proxy. */
  get isRefusal(): boolean {
    return this.status >= 400 && this.status < 500 && !this.isThrottle && !/^HTTP \d+$/.test(this.type);
  }
}

/** How much of an answer that is no AWS JSON error is kept for the log. */
const KEPT_BODY_CHARACTERS = 512;

/** Reads an error answer; one without a type (a proxy's page, say) keeps its status and the beginning of its body. */
export function decodeApiError(
  status: number,
  headers: Readonly<Record<string, string | undefined>>,
  body: string,
): RemoteApiError {
  const requestId = headers['x-amzn-requestid'] ?? null;
  const retryAfterMs = readRetryAfter(headers);
  const fields = parseObject(body);
  const type = bareTypeName(text(fields?.['__type']) ?? headers['x-amzn-errortype'] ?? text(fields?.['code']));
  if (type === null) {
    const kept = body
      .slice(0, KEPT_BODY_CHARACTERS)
      .replace(/[\s\p{Cc}]+/gu, ' ')
      .trim();
    return new RemoteApiError({
      type: `HTTP ${status}`,
      message:
        sendsOn(status, headers) ?? (kept === '' ? 'the answer was empty' : `the answer was no AWS error: ${kept}`),
      status,
      requestId,
      retryAfterMs,
    });
  }
  const message = text(fields?.['message']) ?? text(fields?.['Message']) ?? '(no message)';
  return new RemoteApiError({ type, message, status, requestId, retryAfterMs });
}

function sendsOn(status: number, headers: Readonly<Record<string, string | undefined>>): string | null {
  const { location } = headers;
  if (status < 300 || status > 399 || location === undefined) return null;
  return `it sends on to ${location.slice(0, KEPT_BODY_CHARACTERS)}, which is not followed: a signature fits one address`;
}

/** Seconds, or a date, which is compared with the service's own clock. */
function readRetryAfter(headers: Readonly<Record<string, string | undefined>>): number | null {
  const given = headers['retry-after']?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(given) ? Number(given) * 1000 : Date.parse(given) - Date.parse(headers['date'] ?? '');
  return Number.isFinite(ms) && ms >= 0 ? ms : null;
}

/** `com.amazonaws.codedeploy#NameException:http://…` → `NameException`. */
function bareTypeName(type: string | null): string | null {
  const bare = type
    ?.slice(type.lastIndexOf('#') + 1)
    .split(':', 1)[0]
    ?.trim();
  return bare === undefined || bare === '' ? null : bare;
}

function parseObject(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
