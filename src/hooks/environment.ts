/** The environment of a hook script. Pure. */
import type { Revision } from '../protocol/specification.ts';
import { type EnvironmentRules, inheritedEnvironment } from './inherited-environment.ts';

/** Facts about the deployment that a script is told. */
export interface HookFacts {
  readonly event: string;
  readonly deploymentId: string;
  readonly applicationName: string;
  readonly deploymentGroupName: string;
  readonly deploymentGroupId: string;
  readonly revision: Revision;
  /** As seen at the download, where the specification had none. */
  readonly downloadedETag: string | null;
  /** Marks every process of this hook, so that those that leave its process group can be found. */
  readonly marker: string;
}

/** The variable that carries the marker. */
export const MARKER_VARIABLE = 'SLIPWAY_HOST_COMMAND';

/** @see the AWS CodeDeploy user guide, "Environment variable availability for hooks" */
export function hookEnvironment(
  facts: HookFacts,
  base: Readonly<Record<string, string | undefined>>,
  rules: EnvironmentRules,
): Record<string, string> {
  return {
    ...inheritedEnvironment(base, rules),
    LIFECYCLE_EVENT: facts.event,
    DEPLOYMENT_ID: facts.deploymentId,
    APPLICATION_NAME: facts.applicationName,
    DEPLOYMENT_GROUP_NAME: facts.deploymentGroupName,
    DEPLOYMENT_GROUP_ID: facts.deploymentGroupId,
    ...bundleVariables(facts),
    [MARKER_VARIABLE]: facts.marker,
  };
}

function bundleVariables({ revision, downloadedETag }: HookFacts): Record<string, string> {
  switch (revision.revisionType) {
    case 'S3': {
      const eTag = revision.eTag ?? downloadedETag;
      return {
        BUNDLE_BUCKET: revision.bucket,
        BUNDLE_KEY: revision.key,
        ...(revision.version === null ? {} : { BUNDLE_VERSION: revision.version }),
        ...(eTag === null ? {} : { BUNDLE_ETAG: eTag }),
      };
    }
    case 'GitHub':
    case 'Git':
      return { BUNDLE_COMMIT: revision.commitId };
    case 'HTTPS':
      return { BUNDLE_URL: revision.url, BUNDLE_SHA256: revision.sha256 };
    case 'Local File':
    case 'Local Directory':
      return {};
  }
}
