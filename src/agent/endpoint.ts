import type { AgentConfig } from '../config/agent-config.ts';
import { SlipwayError } from '../errors.ts';

const REGION = /^[0-9a-z-]{1,20}$/;
const FIPS_REGIONS = ['us-east-1', 'us-east-2', 'us-west-1', 'us-west-2', 'us-gov-west-1', 'us-gov-east-1'];

/**
 * Where the host command API is: the configured address as it is, else AWS's in the host's region.
 *
 * @throws SlipwayError AGENT_ENDPOINT_REFUSED for an address in clear text that is not on this machine, unless it is allowed.
 * CONFIG_INVALID for a region that has no name like one, or no FIPS endpoint
 */
export function controlEndpoint(
  config: Pick<AgentConfig, 'deployControlEndpoint' | 'allowInsecureEndpoint' | 'enableAuthPolicy' | 'useFipsMode'>,
  region: string,
): string {
  if (config.deployControlEndpoint !== null) {
    const url = new URL(config.deployControlEndpoint);
    if (url.protocol === 'http:' && !isLoopback(url.hostname) && !config.allowInsecureEndpoint) {
      throw new SlipwayError(
        'AGENT_ENDPOINT_REFUSED',
        `deploy_control_endpoint is ${config.deployControlEndpoint}: over a network in clear text anybody could read and change what this host is told to do`,
      );
    }
    return config.deployControlEndpoint;
  }
  if (!REGION.test(region)) throw new SlipwayError('CONFIG_INVALID', `the region '${region}' is no region’s name`);
  if (config.useFipsMode && !FIPS_REGIONS.includes(region)) {
    throw new SlipwayError(
      'CONFIG_INVALID',
      `use_fips_mode is set, but ${region} has no FIPS endpoint; ${FIPS_REGIONS.join(', ')} have`,
    );
  }
  const service = `codedeploy-commands${config.enableAuthPolicy ? '-secure' : ''}${config.useFipsMode ? '-fips' : ''}`;
  return `https://${service}.${region}.${domainOf(region)}`;
}

/** The domain of AWS that a region belongs to. */
export function domainOf(region: string): string {
  if (region.startsWith('cn-')) return 'amazonaws.com.cn';
  return region.startsWith('eusc-') ? 'amazonaws.eu' : 'amazonaws.com';
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
