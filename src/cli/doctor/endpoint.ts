/** Checks of the doctor between this machine and the control endpoint. */

import { controlEndpoint } from '../../agent/endpoint.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { isSlipwayError, messageOf } from '../../errors.ts';
import { type HostIdentity, resolveIdentity } from '../../identity/resolve-identity.ts';
import { RemoteApiError } from '../../protocol/errors.ts';
import { createHostCommandClient } from '../../protocol/host-command/client.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { trustAuthorities } from '../../system/trust.ts';
import type { CliContext } from '../context.ts';
import { canReadAs } from './access.ts';
import { lookAtBundleStore } from './bundle-store.ts';
import { type Finding, fail, ok, warn } from './check.ts';
import { judgeSkew } from './clock-skew.ts';
import { ANSWER_MS, lookAtName, reach } from './reach.ts';
import type { Environment } from './service-environment.ts';

/** An execution that no service has: asking for it proves the signature and takes no work away. */
const NO_EXECUTION = 'doctor/d-NONE/none/1';
const KEY = 'deploy_control_endpoint';

export interface EndpointContext {
  readonly clock: CliContext['clock'];
  /** The agent's. */
  readonly env: Environment;
  /** The user that the agent runs as; null: who asks. */
  readonly user: string | null;
}

export async function lookAtEndpoint(ctx: EndpointContext, config: AgentConfig): Promise<Finding[]> {
  let identity: HostIdentity;
  try {
    identity = await resolveIdentity(config, ctx.env, ctx.clock);
  } catch (error) {
    return [fail('identity', messageOf(error), remedyOfIdentity(error))];
  }
  const findings = lookAtIdentity(ctx, config, identity);
  let endpoint: string;
  try {
    endpoint = controlEndpoint(config, identity.region);
  } catch (error) {
    const remedy = isSlipwayError(error) ? error.remedy : `Correct ${KEY}, or the region.`;
    return [...findings, fail('endpoint', messageOf(error), remedy)];
  }
  try {
    await trustAuthorities({ env: ctx.env, caFile: config.caFile });
  } catch (error) {
    findings.push(fail('TLS', messageOf(error), remedyOfAuthorities(config)));
  }
  if (config.caFile !== null && canReadAs(config.caFile, ctx.user) === false) {
    findings.push(
      fail(
        'TLS',
        `ca_file ${config.caFile} cannot be read by ${ctx.user ?? 'this user'}`,
        shellCommand('chmod', 'a+r', config.caFile),
      ),
    );
  }
  findings.push(await lookAtName({ url: endpoint, key: KEY, proxyUri: config.proxyUri, env: ctx.env }, 'DNS'));
  findings.push(...(await lookAtConnection(ctx, config, endpoint)));
  const isReached = !findings.some(({ status }) => status === 'fail');
  if (isReached) findings.push(await lookAtSignature(ctx, config, identity, endpoint));
  return [...findings, await lookAtBundleStore(config, identity.region, ctx.env)];
}

function lookAtIdentity({ user }: EndpointContext, config: AgentConfig, identity: HostIdentity): Finding[] {
  const findings: Finding[] = [ok('identity', `${identity.hostIdentifier}, from ${identity.source}`)];
  for (const warning of identity.warnings)
    findings.push(warn('identity', warning, 'Put right what the warning names.'));
  const file = config.onPremisesConfigFile;
  if (identity.source === file && user !== null && canReadAs(file, user) === false) {
    const remedy = `Give the service’s user the file: \`${shellCommand('chown', user, file)}\`; it keeps mode 600.`;
    findings.push(fail('identity', `${file} cannot be read by ${user}, whom the service runs as`, remedy));
  }
  return findings;
}

function remedyOfIdentity(error: unknown): string {
  if (/EACCES|permission denied/.test(messageOf(error))) return 'Run the doctor as root, or as the agent’s user.';
  if (isSlipwayError(error, 'CONFIG_INVALID')) return 'Correct the file, or write it anew: `slipway register --force`.';
  return 'Register the host with `slipway register`, or run on EC2 with an instance profile.';
}

function remedyOfAuthorities({ caFile }: AgentConfig): string {
  const where = caFile === null ? 'the variable of the agent’s environment' : 'ca_file';
  return `Correct ${where}: it must name certificates, PEM, that the agent’s user can read.`;
}

/** TLS, and the clock: any HTTP answer will do. */
async function lookAtConnection(
  { clock, env }: EndpointContext,
  config: AgentConfig,
  endpoint: string,
): Promise<Finding[]> {
  const { proxyUri } = config;
  const reached = await reach({ url: endpoint, check: 'connection', key: KEY, proxyUri, env });
  if ('fault' in reached) return [reached.fault];
  const date = Date.parse(reached.date);
  const connection = ok(
    'connection',
    `${endpoint} answers${endpoint.startsWith('https:') ? ' over TLS that verifies' : ''}`,
  );
  if (Number.isNaN(date)) return [connection];
  return [connection, judgeSkew(clock.now() - date, 'the endpoint’s')];
}

async function lookAtSignature(
  { clock, env }: EndpointContext,
  config: AgentConfig,
  identity: HostIdentity,
  endpoint: string,
): Promise<Finding> {
  const client = createHostCommandClient({
    endpoint,
    region: identity.region,
    hostIdentifier: identity.hostIdentifier,
    credentials: identity.credentials,
    agentVersion: 'SLIPWAY_DOCTOR',
    enableAuthPolicy: config.enableAuthPolicy,
    readTimeoutMs: ANSWER_MS,
    proxyUri: config.proxyUri,
    proxyEnvironment: env,
    clock,
  });
  try {
    await client.getDeploymentSpecification(NO_EXECUTION);
    return ok('credentials', 'are accepted');
  } catch (error) {
    // The service has read the request and knows of no such execution: that is all that was to be shown.
    if (error instanceof RemoteApiError && error.type === 'ClientException') return ok('credentials', 'are accepted');
    return fail('credentials', messageOf(error), remedyOfRefusal(error, config));
  }
}

/** Chooses the remedy by the service's words about the key. */
function remedyOfRefusal(error: unknown, { onPremisesConfigFile: file }: AgentConfig): string {
  const said = messageOf(error);
  if (!(error instanceof RemoteApiError)) return isSlipwayError(error) ? error.remedy : 'Renew the host’s credentials.';
  if (/disabled/.test(said)) {
    return 'Somebody has disabled the key for good. Ask why; then `slipway register --force` gives the host another one.';
  }
  if (/not registered/.test(said)) {
    return 'The host was deregistered, or never registered: `slipway register --force`, if it is to be deployed to.';
  }
  if (/is not known/.test(said) || error.type === 'UnrecognizedClientException') {
    return `The server has no such key: check that ${KEY} names the right server; then \`slipway register --force\`.`;
  }
  if (/expired|ExpiredToken/i.test(`${error.type} ${said}`)) {
    return 'The session has ended: see that whoever refreshes the credentials still runs.';
  }
  if (error.type === 'InvalidSignatureException' && /secret/.test(said)) {
    return `The secret in ${file} is not that of its key: put back the right one, or \`slipway register --force\`.`;
  }
  if (/speaks for/.test(said)) return `The key in ${file} is of another host: \`slipway register --force\`.`;
  if (error.status >= 500) return 'The server has a fault of its own: `slipway server doctor` there, and its log.';
  return 'Register the host again (`slipway register --force`), or renew its credentials.';
}
