/** Types of the download: the request, its context, its result. */
import type { Logger } from '../logging/logger.ts';
import type { ProxyEnvironment } from '../protocol/proxy.ts';
import type { CredentialProvider } from '../protocol/sigv4/credentials.ts';
import type { LocalDirectoryRevision, Revision } from '../protocol/specification.ts';
import type { WireLog } from '../protocol/wire-log.ts';
import type { Clock } from '../system/clock.ts';
import type { TrustFor } from '../system/trust.ts';
import type { NetworkRules } from './own-addresses.ts';
import type { PaceRule } from './pace.ts';
import type { OnProgress } from './progress.ts';

/** A revision that comes as one file. */
export type BundledRevision = Exclude<Revision, LocalDirectoryRevision>;

/** Where a download goes, and who is told of it. */
export interface DownloadRequest {
  /** The file is there whole or not at all. */
  readonly bundleFile: string;
  /** Parts of bundles that earlier downloads have left; one of the same revision is gone on with. */
  readonly partFiles?: readonly string[];
  /** Is told how many bytes are to come, before they do; null: nobody knows. An exception from it ends the download. */
  readonly reserve?: (sizeBytes: number | null) => void;
  /** An exception from it ends the download, too. */
  readonly onProgress?: OnProgress;
  /** More than this is refused, whatever the source says of its size; absent: any size. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
}

export interface FetchRequest extends DownloadRequest {
  readonly revision: BundledRevision;
  readonly gitHubAccessToken: string | null;
  /** User name that goes with that token to a git repository; absent: the token is for GitHub's archive alone. */
  readonly gitUserName?: string | undefined;
  /** Copies a local bundle instead of linking it, so that owners of the source cannot change the file any more. */
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

/** Credential for a private git repository. */
export interface GitAccess {
  readonly user: string;
  readonly token: string;
}

export interface RevisionContext {
  /** Credential that the deployment brings for its git repository, in place of this host's own; null or absent: none. */
  readonly gitAccess?: GitAccess | null;
  readonly region: string;
  readonly credentials: CredentialProvider;
  /** The file that `credentials` come from, where they are not those of the host's identity; for messages. */
  readonly s3CredentialsFile: string | null;
  readonly s3EndpointOverride: string | null;
  readonly useFipsMode: boolean;
  readonly useDualStack: boolean;
  readonly proxyUri: string | null;
  readonly proxyEnvironment: ProxyEnvironment;
  readonly trustFor: TrustFor;
  /** Certificates, PEM, that git has to trust beside the system's; read when they are needed. @throws SlipwayError CONFIG_UNREADABLE */
  namedAuthorities(): readonly string[];
  /** `https://api.github.com`, or where a GitHub Enterprise server has its API. */
  readonly gitHubEndpoint: string;
  /** Lines of git's credential store, for HTTPS and git over HTTPS; null: none. */
  readonly sourceCredentialsFile: string | null;
  /** The key that git over ssh shows, and the keys of the servers that it trusts; null: as ssh itself has it. */
  readonly gitSshKeyFile: string | null;
  readonly gitKnownHostsFile: string | null;
  /** Most memory of each process of git; bytes. */
  readonly gitMaxMemoryBytes: number;
  readonly tuning: DownloadTuning;
  /** How names become addresses, and which of them are this machine's own; else as the system has it. */
  readonly network?: NetworkRules;
  /** Is told of requests to S3. */
  readonly wireLog?: WireLog;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How downloads go about it. Numbers of their own are for tests, and for hosts with odd networks. */
export interface DownloadTuning {
  /** Size of the first request, in bytes; small bundles need no other. */
  readonly firstBytes: number;
  readonly pieceBytes: number;
  readonly piecesAtOnce: number;
  /** A source that sends nothing for this long has gone. */
  readonly noProgressMs: number;
  /** A source that is slower than this twice has failed. */
  readonly pace: PaceRule;
  /** Before each new try of what broke off; when they are used up with next to nothing gained, the download has failed. */
  readonly retryWaitsMs: readonly number[];
}
