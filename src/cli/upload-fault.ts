/** Says why a bundle could not be uploaded, and what to do in that case. Pure. */
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { storeAnswer } from '../revision/store-answer.ts';

const OTHER_REGION = 'The bucket is in another region: name that by --region.';

/** Remedies by the store's own name for the fault. */
const REMEDIES_BY_CODE: Readonly<Record<string, string>> = {
  AccessDenied: 'Let the key of this command write to the bucket (s3:PutObject), or take another by --profile.',
  InvalidAccessKeyId: 'The store does not know the key of this command: take one of its own by --profile.',
  SignatureDoesNotMatch: 'The secret is not that of its key, or a proxy changes requests on the way.',
  RequestTimeTooSkewed: 'The clock of this machine, or of the store, is wrong: set it.',
  ExpiredToken: 'The session of this key has expired: get a new one.',
  NoSuchBucket: 'Make the bucket, or name another by --s3-location.',
  PermanentRedirect: OTHER_REGION,
  AuthorizationHeaderMalformed: OTHER_REGION,
  EntityTooLarge:
    'The bundle is larger than the store takes: leave out what no host needs, or raise the store’s limit.',
};

/** Chooses the remedy by status, where a proxy or another program answered. */
function remedyByStatus(status: number): string {
  if (status === 401 || status === 403) return REMEDIES_BY_CODE['AccessDenied'] ?? '';
  if (status === 404) return 'Check the address of the store and the name of the bucket.';
  if (status === 413) return 'The bundle is larger than the store, or a proxy before it, takes: raise the limit there.';
  if (status < 400) return 'The store is elsewhere: check its address (--s3-endpoint-url) and --region.';
  if (status >= 500) return 'Look into the log of the store, or of a proxy before it, and push again.';
  return 'Check that an S3 API answers at this address, and not a proxy or a web site.';
}

/** @param place what was to be stored, and where */
export function uploadFault(place: string, cause: unknown): SlipwayError {
  const { status, code, words } = storeAnswer(cause);
  const remedy =
    status === 0
      ? remedyWithoutAnswer(cause)
      : ((code !== null && Object.hasOwn(REMEDIES_BY_CODE, code) ? REMEDIES_BY_CODE[code] : undefined) ??
        remedyByStatus(status));
  return new SlipwayError('CLI_UPLOAD_FAILED', `the bundle could not be stored as ${place}: ${words}`, {
    cause,
    remedy,
  });
}

function remedyWithoutAnswer(cause: unknown): string {
  const code = systemErrorCode(cause) ?? '';
  if (code.startsWith('HPE_')) return 'What answers there speaks no HTTP: check the port, and http:// or https://.';
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return 'The store ended the connection in the middle, without a word: look into its log, and at proxies on the way.';
  }
  return 'Check that the store runs, its address, and firewalls and proxies on the way.';
}
