/** A process that fetches a revision from git: node fetch-from-git.ts URL COMMIT BUNDLE-FILE */
import { createBundleFetcher } from '../../src/revision/fetch-bundle.ts';
import { revisionContext } from './revision-context.ts';

const [url = '', commitId = '', bundleFile = ''] = process.argv.slice(2);
const revision = { revisionType: 'Git', url, commitId } as const;
await createBundleFetcher(revisionContext())({ revision, bundleFile, gitHubAccessToken: null });
