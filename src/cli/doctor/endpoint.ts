/** What the doctor looks at between this machine and the control endpoint. */
import { lookup } from 'node:dns/promises';
import axios, { isAxiosError } from 'axios';
import { controlEndpoint } from '../../agent/endpoint.ts';
import { type HostIdentity, resolveIdentity } from '../../agent/identity.ts';
import { NO_TLS_REMEDY } from '../../agent/tls-check.ts';
import type { AgentConfig } from '../../config/agent-config.ts';
import { isNoTls, messageOf } from '../../errors.ts';
import { RemoteApiError } from '../../protocol/errors.ts';
import { createHostCommandClient } from '../../protocol/host-command/client.ts';
import { proxyFor } from '../../protocol/proxy.ts';
import { TRUST_REMEDY, trustAuthorities } from '../../system/trust.ts';
import type { CliContext } from '../context.ts';
import { type Finding, fail, ok, warn } from './check.ts';

const ANSWER_MS = 10_000;
/** Signatures are refused beyond five minutes; a clock that is off by one will be there soon. */
const SKEW_MS = 60_000;
const REFUSED_SKEW_MS = 5 * 60_000;
/** An execution that no service has: asking for it proves the signature and takes no work away. */
const NO_EXECUTION = 'doctor/d-NONE/none/1';

export async function lookAtEndpoint(ctx: CliContext, config: AgentConfig): Promise<Finding[]> {
  let identity: HostIdentity;
  try {
    identity = await resolveIdentity(config, ctx.env, ctx.clock);
  } catch (error) {
    return [
      fail(
        'identity',
        messageOf(error),
        'Register the host with `slipway register`, or run on EC2 with an instance profile.',
      ),
    ];
  }
  const findings: Finding[] = [ok('identity', `${identity.hostIdentifier}, from ${identity.source}`)];
  for (const warning of identity.warnings) findings.push(warn('identity', warning, 'Mend what the warning names.'));
  let endpoint: string;
  try {
    endpoint = controlEndpoint(config, identity.region);
  } catch (error) {
    return [...findings, fail('endpoint', messageOf(error), 'Correct deploy_control_endpoint, or the region.')];
  }
  try {
    await trustAuthorities({ env: ctx.env, caFile: config.caFile });
  } catch (error) {
    findings.push(
      fail('TLS', messageOf(error), 'Correct ca_file or the variable, or have the file readable for the agent’s user.'),
    );
  }
  findings.push(await lookAtName(endpoint));
  findings.push(...(await lookAtConnection(ctx, config, endpoint)));
  if (findings.some(({ status }) => status === 'fail')) return findings;
  return [...findings, await lookAtSignature(ctx, config, identity, endpoint)];
}

async function lookAtName(endpoint: string): Promise<Finding> {
  const { hostname } = new URL(endpoint);
  try {
    const addresses = await lookup(hostname.replace(/^\[|\]$/g, ''), { all: true });
    return ok('DNS', `${hostname} is ${addresses.map(({ address }) => address).join(', ')}`);
  } catch (error) {
    return fail('DNS', messageOf(error), `Make ${hostname} resolvable, or correct deploy_control_endpoint.`);
  }
}

/** TLS, and the clock: any HTTP answer will do. */
async function lookAtConnection({ clock, env }: CliContext, config: AgentConfig, endpoint: string): Promise<Finding[]> {
  try {
    const proxy = proxyFor(new URL(endpoint), config.proxyUri, env);
    const answer = await axios.get(endpoint, {
      timeout: ANSWER_MS,
      validateStatus: () => true,
      maxRedirects: 0,
      proxy: false,
      ...(proxy === null ? {} : await proxyAgents(proxy)),
    });
    const date = Date.parse(String(answer.headers['date'] ?? ''));
    const connection = ok(
      'connection',
      `${endpoint} answers${endpoint.startsWith('https:') ? ' over TLS that verifies' : ''}`,
    );
    if (Number.isNaN(date)) return [connection];
    const skewMs = Math.abs(clock.now() - date);
    const detail = `differs from the endpoint’s by ${Math.round(skewMs / 1000)} s`;
    const remedy = 'Let NTP set the clock (`timedatectl set-ntp true`): signatures are refused beyond five minutes.';
    if (skewMs > REFUSED_SKEW_MS) return [connection, fail('clock', detail, remedy)];
    return [connection, skewMs > SKEW_MS ? warn('clock', detail, remedy) : ok('clock', detail)];
  } catch (error) {
    const code = isAxiosError(error) ? (error.code ?? '') : '';
    const detail = `${endpoint}: ${code} ${messageOf(error)}`.trim();
    if (isNoTls(error)) return [fail('TLS', detail, NO_TLS_REMEDY)];
    if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return [fail('TLS', detail, TRUST_REMEDY)];
    return [
      fail('connection', detail, 'Check that the server runs, its address, and firewalls and proxies on the way.'),
    ];
  }
}

async function proxyAgents(proxy: URL) {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  const agent = new HttpsProxyAgent(proxy);
  return { httpAgent: agent, httpsAgent: agent };
}

async function lookAtSignature(
  { clock }: CliContext,
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
    clock,
  });
  const remedy = 'Register the host again (`slipway register --force`), or renew its credentials.';
  try {
    await client.getDeploymentSpecification(NO_EXECUTION);
    return ok('credentials', 'are accepted');
  } catch (error) {
    // The service has read the request and knows of no such execution: that is all that was to be shown.
    if (error instanceof RemoteApiError && error.type === 'ClientException') return ok('credentials', 'are accepted');
    return fail('credentials', messageOf(error), remedy);
  }
}
