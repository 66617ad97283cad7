/** Names of revisions for messages. Pure. */
import type { Revision } from './specification.ts';

/** Returns the name of a revision for messages: its source, without secrets. */
export function nameOfRevision(revision: Revision): string {
  switch (revision.revisionType) {
    case 'S3': {
      const version = revision.version === null ? '' : ` (version ${revision.version})`;
      return `s3://${revision.bucket}/${revision.key}${version}`;
    }
    case 'GitHub':
      return `${revision.account}/${revision.repository}@${revision.commitId}`;
    case 'HTTPS':
      return nameOfUrl(revision.url);
    case 'Git':
      return `${revision.url}@${revision.commitId}`;
    case 'Local File':
    case 'Local Directory':
      return revision.location;
  }
}

/** Without the query, which may hold a signature: that is a secret for as long as it is valid. */
export function nameOfUrl(url: string): string {
  return url.replace(/\?.*$/s, '');
}
