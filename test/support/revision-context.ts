import { DOWNLOAD_TUNING } from '../../src/revision/download.ts';
import type { RevisionContext } from '../../src/revision/types.ts';
import { systemClock } from '../../src/system/clock.ts';
import { createTrust } from '../../src/system/trust.ts';
import { collectingLogger, type LoggedLines } from './deployment.ts';

/** Small pieces and no long waits, so that a few kilobytes show what gigabytes do. */
export const QUICK_TUNING = {
  ...DOWNLOAD_TUNING,
  firstBytes: 64 * 1024,
  pieceBytes: 32 * 1024,
  noProgressMs: 10_000,
  retryWaitsMs: [1, 1, 1, 1],
};

/** The real sources of revisions, for a host that has nothing configured. */
export function revisionContext(
  overrides: Partial<RevisionContext> = {},
): RevisionContext & { readonly log: LoggedLines } {
  return {
    region: 'us-east-1',
    credentials: () => Promise.reject(new Error('no credentials in this test')),
    s3CredentialsFile: null,
    s3EndpointOverride: null,
    useFipsMode: false,
    useDualStack: false,
    proxyUri: null,
    proxyEnvironment: { PATH: process.env['PATH'] },
    trustFor: createTrust({ env: {}, caFile: null }),
    namedAuthorities: () => [],
    gitHubEndpoint: 'http://127.0.0.1:9',
    sourceCredentialsFile: null,
    gitSshKeyFile: null,
    gitKnownHostsFile: null,
    gitMaxMemoryBytes: 2 ** 30,
    tuning: QUICK_TUNING,
    clock: systemClock,
    ...overrides,
    log: collectingLogger(),
  };
}
