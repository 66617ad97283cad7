import { ApiError } from '../errors.ts';

/** The parts of an `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…` header. */
export interface Authorization {
  readonly accessKeyId: string;
  /** `20260131`, the day that the signing key was made for. */
  readonly day: string;
  readonly region: string;
  readonly service: string;
  /** In lower case. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits. */
  readonly signature: string;
}

/** @throws ApiError MissingAuthenticationTokenException when there is none, IncompleteSignatureException when it is malformed */
export function parseAuthorization(header: string | undefined): Authorization {
  if (header === undefined || header.trim() === '') {
    throw new ApiError(
      'MissingAuthenticationTokenException',
      'the request is not signed: it has no Authorization header',
      { status: 403 },
    );
  }
  const [algorithm = '', parameters = ''] = splitAtFirst(header.trim(), /\s+/);
  if (algorithm !== 'AWS4-HMAC-SHA256') throw incomplete('it does not begin with AWS4-HMAC-SHA256');
  const fields = new Map(parameters.split(',').map((field) => splitAtFirst(field.trim(), /=/)));
  const [accessKeyId, day, region, service, terminator, ...rest] = (fields.get('Credential') ?? '').split('/');
  if (!accessKeyId || !day || !region || !service || terminator !== 'aws4_request' || rest.length > 0) {
    throw incomplete("its Credential is not 'KEY/DAY/REGION/SERVICE/aws4_request'");
  }
  const signedHeaders = (fields.get('SignedHeaders') ?? '').toLowerCase().split(';').filter(Boolean);
  if (signedHeaders.length === 0) throw incomplete('it names no SignedHeaders');
  const signature = fields.get('Signature') ?? '';
  if (!/^[0-9a-f]{64}$/.test(signature)) throw incomplete('its Signature is not 64 hexadecimal digits');
  return { accessKeyId, day, region, service, signedHeaders, signature };
}

/** The error for a signature that says too little to be checked. */
export function incomplete(what: string): ApiError {
  return new ApiError('IncompleteSignatureException', `the Authorization header is incomplete: ${what}`);
}

function splitAtFirst(text: string, separator: RegExp): [string, string] {
  const match = separator.exec(text);
  return match === null ? [text, ''] : [text.slice(0, match.index), text.slice(match.index + match[0].length)];
}
