/** Checks of signed orders: a Slipway server signs each order for one host and one moment, and the agent has to ask for that. */
import type { AgentConfig } from '../../config/agent-config.ts';
import { type Finding, ok, warn } from './check.ts';
import { reach } from './reach.ts';
import type { Environment } from './service-environment.ts';

const CHECK = 'signed orders';
/** Answer of a Slipway server to anybody who asks for its root. */
const SLIPWAY_SERVER = 'slipway control server';

/** @returns nothing for endpoints that sign no orders, and where nobody answers, which is another finding's matter */
export async function lookAtOrders(config: AgentConfig, env: Environment): Promise<Finding[]> {
  const { deployControlEndpoint: url, proxyUri, demandSignedOrders, deploymentSpecCaFile } = config;
  if (demandSignedOrders) return [ok(CHECK, 'are demanded: each counts for this host, one command and ten minutes')];
  if (url === null) return [];
  const reached = await reach({ url, check: CHECK, key: 'deploy_control_endpoint', proxyUri, env });
  if ('fault' in reached || !reached.text.startsWith(SLIPWAY_SERVER)) return [];
  const detail =
    'are not demanded: a deployment specification that was signed for another host, or long ago, is carried out here';
  const remedy =
    deploymentSpecCaFile === null
      ? 'Let `slipway register --force` write demand_signed_orders and deployment_spec_ca_file, and restart the agent.'
      : 'Write `demand_signed_orders: true` into the agent’s configuration and restart it; the server must be of this version or newer.';
  return [warn(CHECK, detail, remedy)];
}
