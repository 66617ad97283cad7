import type { Agent } from 'node:https';
import { isNoTls, isUntrusted, messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import { TRUST_REMEDY } from '../protocol/unreachable.ts';
import type { NarrowTrust } from '../system/trust.ts';

const CHECK_MS = 10_000;
/** For an endpoint that answers, and not over TLS. */
export const NO_TLS_REMEDY =
  'Correct the port in deploy_control_endpoint, or write http:// where the network is trusted.';

/** Errors by which a connection fails because nobody is there: no reason not to start, polling goes on trying. */
const AWAY = /^(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|ABORT_ERR)$/;

/**
 * Asks the control endpoint for anything at all. So a certificate that does not verify is met at the start, and not as polls that fail for
 * ever. Any status is fine. Nothing is checked for an endpoint in clear text. A certificate that does not verify is looked at once more
 * with all authorities that there are.
 *
 * @throws SlipwayError AGENT_TLS_REFUSED
 * @see the official agent 1.8.1, `codedeploy_control.rb`
 */
export async function checkEndpointTls(
  endpoint: URL,
  proxy: URL | null,
  trust: Pick<NarrowTrust, 'widen'>,
  log: Pick<Logger, 'warn'>,
): Promise<void> {
  if (endpoint.protocol !== 'https:') return;
  try {
    await askAnything(endpoint, proxy).catch(async (error: unknown) => {
      if (!isUntrusted(error) || !(await trust.widen())) throw error;
      await askAnything(endpoint, proxy);
    });
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (AWAY.test(code)) {
      log.warn('the control endpoint cannot be reached yet', { endpoint: endpoint.origin, error });
      return;
    }
    const remedy = isNoTls(error) ? NO_TLS_REMEDY : isUntrusted(error) ? TRUST_REMEDY : undefined;
    throw new SlipwayError('AGENT_TLS_REFUSED', `${endpoint.origin}: ${messageOf(error)} (${code})`, {
      cause: error,
      ...(remedy === undefined ? {} : { remedy }),
    });
  }
}

/** Resolves with any answer at all. */
async function askAnything(endpoint: URL, proxy: URL | null): Promise<void> {
  const { request } = await import('node:https');
  let agent: Agent | undefined;
  if (proxy !== null) {
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    agent = new HttpsProxyAgent(proxy) as unknown as Agent;
  }
  await new Promise<void>((resolve, reject) => {
    const call = request(endpoint, { method: 'GET', agent, signal: AbortSignal.timeout(CHECK_MS) }, (answer) => {
      answer.destroy();
      resolve();
    });
    call.on('error', reject);
    call.end();
  });
}
