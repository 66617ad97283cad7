import type { Agent } from 'node:https';
import { isNoTls, messageOf, SlipwayError, systemErrorCode } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';

const CHECK_MS = 10_000;
/** For an endpoint that answers, and not over TLS. */
export const NO_TLS_REMEDY =
  'Correct the port in deploy_control_endpoint, or write http:// where the network is trusted.';

/** Errors by which a connection fails because nobody is there: no reason not to start, polling goes on trying. */
const AWAY = /^(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EPIPE|ABORT_ERR)$/;

/**
 * Asks the control endpoint for anything at all, so that a certificate that does not verify is met at the start and not as polls that
 * fail for ever. Any status is fine. Nothing is checked for an endpoint in clear text.
 *
 * @throws SlipwayError AGENT_TLS_REFUSED
 * @see the official agent 1.8.1, `codedeploy_control.rb`
 */
export async function checkEndpointTls(endpoint: URL, proxy: URL | null, log: Pick<Logger, 'warn'>): Promise<void> {
  if (endpoint.protocol !== 'https:') return;
  const { request } = await import('node:https');
  let agent: Agent | undefined;
  if (proxy !== null) {
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    agent = new HttpsProxyAgent(proxy) as unknown as Agent;
  }
  try {
    await new Promise<void>((resolve, reject) => {
      const call = request(endpoint, { method: 'GET', agent, signal: AbortSignal.timeout(CHECK_MS) }, (answer) => {
        answer.destroy();
        resolve();
      });
      call.on('error', reject);
      call.end();
    });
  } catch (error) {
    const code = systemErrorCode(error) ?? (error instanceof Error && 'code' in error ? String(error.code) : '');
    if (AWAY.test(code)) {
      log.warn('the control endpoint cannot be reached yet', { endpoint: endpoint.origin, error });
      return;
    }
    throw new SlipwayError('AGENT_TLS_REFUSED', `${endpoint.origin}: ${messageOf(error)} (${code})`, {
      cause: error,
      ...(isNoTls(error) ? { remedy: NO_TLS_REMEDY } : {}),
    });
  }
}
