import type { Logger } from '../logging/logger.ts';
import type { ProxyEnvironment } from '../protocol/proxy.ts';
import type { CredentialProvider } from '../protocol/sigv4/credentials.ts';
import type { LocalDirectoryRevision, Revision } from '../protocol/specification.ts';
import type { WireLog } from '../protocol/wire-log.ts';
import type { Clock } from '../system/clock.ts';
import type { TrustFor } from '../system/trust.ts';
import type { DownloadTuning } from './download.ts';
import { fetchFromGit } from './git.ts';
import { fetchLocalFile } from './local.ts';
import type { OnProgress } from './progress.ts';

/** A revision that comes as one file. */
export type BundledRevision = Exclude<Revision, LocalDirectoryRevision>;

/** Where a download goes, and who is told of it. */
export interface DownloadRequest {
  /** The file is there whole or not at all. */
  readonly bundleFile: string;
  /** Parts of bundles that earlier downloads have left; one of the same revision is gone on with. */
  readonly partFiles?: readonly string[];
  /**
   * Is told how many bytes are to come, before they do; null: nobody knows. What it throws ends the download.
   */
  readonly reserve?: (sizeBytes: number | null) => void;
  /** What it throws ends the download, too. */
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

export interface FetchRequest extends DownloadRequest {
  readonly revision: BundledRevision;
  readonly gitHubAccessToken: string | null;
  /** Whoever may write to the bundle's source must not reach the file any more: a copy, and no link. */
  readonly isOwnCopy?: boolean;
  /** Where the commit object of a revision from git goes, byte for byte. */
  readonly commitFile?: string;
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
  readonly useDualStack: boolean;
  readonly proxyUri: string | null;
  readonly proxyEnvironment: ProxyEnvironment;
  readonly trustFor: TrustFor;
  /** `https://api.github.com`, or where a GitHub Enterprise server has its API. */
  readonly gitHubEndpoint: string;
  /** Lines of git's credential store, for HTTPS and git over HTTPS; null: none. */
  readonly sourceCredentialsFile: string | null;
  /** The key that git over ssh shows, and the keys of the servers that it trusts; null: as ssh itself has it. */
  readonly gitSshKeyFile: string | null;
  readonly gitKnownHostsFile: string | null;
  readonly tuning: DownloadTuning;
  /** Is told of requests to S3. */
  readonly wireLog?: WireLog;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What speaks HTTP is loaded when it is needed: an executor that only installs does not carry it. */
export function createBundleFetcher(ctx: RevisionContext): BundleFetcher {
  return async (request) => {
    const { revision } = request;
    switch (revision.revisionType) {
      case 'S3': {
        // The SDK costs 24 MB and 100 ms: only those who deploy from S3 pay for it, when they do.
        const { fetchFromS3 } = await import('./s3.ts');
        return fetchFromS3(ctx, revision, request);
      }
      case 'GitHub': {
        const { fetchFromGitHub } = await import('./github.ts');
        return fetchFromGitHub(ctx, revision, request);
      }
      case 'HTTPS': {
        const { fetchFromHttps } = await import('./https.ts');
        return fetchFromHttps(ctx, revision, request);
      }
      case 'Git':
        return fetchFromGit(ctx, revision, request);
      case 'Local File':
        return fetchLocalFile(revision, request);
    }
  };
}
