import { existsSync } from 'node:fs';
import { isSlipwayError, SlipwayError } from '../errors.ts';
import { fetchLocalFile } from './local.ts';
import type { BundledRevision, DownloadRequest, RevisionContext } from './types.ts';

export interface SignatureRequest {
  readonly revision: BundledRevision;
  /** Suffix that the signature's name adds to the bundle's. */
  readonly suffix: string;
  readonly signatureFile: string;
  /** Limit on the signature's size; a larger file is no signature. */
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

/**
 * Brings the signature that stands beside a bundle, from the same place with the same rights.
 *
 * @returns whether there is one
 * @throws SlipwayError REVISION_…, or SIGNATURE_UNREADABLE for one that is too large
 */
export type SignatureFetcher = (request: SignatureRequest) => Promise<boolean>;

export function createSignatureFetcher(ctx: RevisionContext): SignatureFetcher {
  return async (request) => {
    try {
      await fetchBeside(ctx, request.revision, request);
      return true;
    } catch (error) {
      if (isSlipwayError(error, 'REVISION_NOT_FOUND')) return false;
      throw error;
    }
  };
}

async function fetchBeside(ctx: RevisionContext, revision: BundledRevision, request: SignatureRequest): Promise<void> {
  const { suffix, signatureFile, signal } = request;
  const download: DownloadRequest = {
    bundleFile: signatureFile,
    ...boundedTo(request.maxBytes, suffix),
    ...(signal === undefined ? {} : { signal }),
  };
  switch (revision.revisionType) {
    case 'S3': {
      const { fetchFromS3 } = await import('./s3.ts');
      // Version and ETag are the bundle's own: of its signature the newest counts.
      await fetchFromS3(ctx, { ...revision, key: `${revision.key}${suffix}`, version: null, eTag: null }, download);
      return;
    }
    case 'HTTPS': {
      const { fetchFromHttps } = await import('./https.ts');
      const url = new URL(revision.url);
      url.pathname += suffix;
      await fetchFromHttps(ctx, { url: url.href, sha256: null }, download);
      return;
    }
    case 'Local File': {
      const location = `${revision.location}${suffix}`;
      if (existsSync(location)) fetchLocalFile({ location }, { bundleFile: signatureFile, isOwnCopy: true });
      else throw new SlipwayError('REVISION_NOT_FOUND', `${location} is not there`);
      return;
    }
    case 'GitHub':
    case 'Git':
      throw new SlipwayError('REVISION_NOT_FOUND', 'nothing stands beside a commit');
  }
}

/** Bytes are counted as they come, because a store may say nothing of how many there will be, or lie. */
function boundedTo(maxBytes: number, suffix: string): Pick<DownloadRequest, 'reserve' | 'onProgress'> {
  const check = (bytes: number | null) => {
    if ((bytes ?? 0) <= maxBytes) return;
    throw new SlipwayError(
      'SIGNATURE_UNREADABLE',
      `the bundle’s ${suffix} is larger than ${maxBytes} bytes: it is no signature`,
    );
  };
  return { reserve: check, onProgress: ({ receivedBytes }) => check(receivedBytes) };
}
