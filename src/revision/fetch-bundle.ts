import { fetchFromGit } from './git.ts';
import { fetchLocalFile } from './local.ts';
import type { BundleFetcher, FetchRequest, GitAccess, RevisionContext } from './types.ts';

/** HTTP modules are loaded when they are needed: an executor that only installs does not carry them. */
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
        return fetchFromGit({ ...ctx, gitAccess: gitAccessOf(request) }, revision, request);
      case 'Local File':
        return fetchLocalFile(revision, request);
    }
  };
}

/** Returns the deployment's credential for the repository; null: the deployment brings none. */
function gitAccessOf({ gitHubAccessToken, gitUserName }: FetchRequest): GitAccess | null {
  return gitHubAccessToken === null || gitUserName === undefined
    ? null
    : { user: gitUserName, token: gitHubAccessToken };
}
