/** Whether the store that bundles come from can be reached. */
import { domainOf } from '../../agent/endpoint.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { readAwsCredentials } from '../../config/aws-credentials.ts';
import { isSlipwayError } from '../../errors.ts';
import { type Finding, fail, ok } from './check.ts';
import { reach } from './reach.ts';
import type { Environment } from './service-environment.ts';

const CHECK = 'S3';

export async function lookAtBundleStore(config: AgentConfig, region: string, env: Environment): Promise<Finding> {
  const unusable = keyFault(config.s3CredentialsFile);
  if (unusable !== null) return unusable;
  const { s3EndpointOverride, proxyUri } = config;
  const url = s3EndpointOverride ?? s3AddressOf(config, region);
  const isOverride = s3EndpointOverride !== null;
  const key = isOverride ? 's3_endpoint_override' : 'the region of the identity';
  const reached = await reach({ url, check: CHECK, key, proxyUri, env });
  if ('fault' in reached) {
    const { fault } = reached;
    // A host of an own server need not have anything from AWS: bundles may come from elsewhere.
    if (isOverride || config.deployControlEndpoint === null) return fault;
    const remedy = `Set s3_endpoint_override to the store of your server (\`slipway register --force\` does). ${fault.remedy ?? ''}`;
    return { ...fault, status: 'warn', remedy: `${remedy} Bundles from elsewhere do not need it.` };
  }
  if (/^\s*<(!doctype html|html)\b/i.test(reached.text)) {
    return fail(
      CHECK,
      `${url} answers with a web page, and is no S3 API`,
      `Set ${key} to the address of the store’s S3 API (\`slipway register --force\` writes that of a control server).`,
    );
  }
  if (reached.status >= 500) {
    return fail(
      CHECK,
      `${url} answers ${reached.status}`,
      `Look into the log of the store behind ${key}: it has a fault.`,
    );
  }
  return ok(CHECK, `${url} answers${url.startsWith('https:') ? ' over TLS that verifies' : ''}`);
}

/** Whether the file with the store's key, where there is one, holds a key and may be read. */
function keyFault(file: string | null): Finding | null {
  if (file === null) return null;
  try {
    readAwsCredentials(file, 's3_credentials_file');
    return null;
  } catch (error) {
    if (!isSlipwayError(error, 'AGENT_NO_CREDENTIALS')) throw error;
    return fail(CHECK, error.message, error.remedy);
  }
}

/** Where AWS has S3 in a region. Pure. */
export function s3AddressOf(
  { useFipsMode, useDualStack }: Pick<AgentConfig, 'useFipsMode' | 'useDualStack'>,
  region: string,
) {
  return `https://s3${useFipsMode ? '-fips' : ''}${useDualStack ? '.dualstack' : ''}.${region}.${domainOf(region)}`;
}
