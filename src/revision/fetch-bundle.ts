import type { Logger } from '../logging/logger.ts';
import type { CredentialProvider } from '../protocol/sigv4/credentials.ts';
import type { GitHubRevision, LocalFileRevision, S3Revision } from '../protocol/specification.ts';
import type { Clock } from '../system/clock.ts';
import { fetchFromGitHub } from './github.ts';
import { fetchLocalFile } from './local.ts';

export interface FetchRequest {
  readonly revision: S3Revision | GitHubRevision | LocalFileRevision;
  /** Where the bundle goes; it is there whole or not at all. */
  readonly bundleFile: string;
  readonly gitHubAccessToken: string | null;
  readonly signal?: AbortSignal;
}

export interface FetchedBundle {
  /** Without double quotes; null where the source has none. */
  readonly eTag: string | null;
  readonly sizeBytes: number;
}

/** Brings a bundle from wherever it is to a file, verified. @throws SlipwayError REVISION_… */
export type BundleFetcher = (request: FetchRequest) => Promise<FetchedBundle>;

export interface RevisionContext {
  readonly region: string;
  readonly credentials: CredentialProvider;
  readonly s3EndpointOverride: string | null;
  readonly useFipsMode: boolean;
  readonly proxyUri: string | null;
  /** `https://api.github.com`, or where a GitHub Enterprise server has its API. */
  readonly gitHubEndpoint: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export function createBundleFetcher(ctx: RevisionContext): BundleFetcher {
  return async (request) => {
    const { revision } = request;
    switch (revision.revisionType) {
      case 'S3': {
        // The SDK costs 24 MB and 100 ms: only those who deploy from S3 pay for it, when they do.
        const { fetchFromS3 } = await import('./s3.ts');
        return fetchFromS3(ctx, revision, request);
      }
      case 'GitHub':
        return fetchFromGitHub(ctx, revision, request);
      case 'Local File':
        return fetchLocalFile(revision, request);
    }
  };
}
