/** The door for load balancers and monitoring. Nobody is asked who they are here, and nothing here names anything of a user's. */
import type { ServerResponse } from 'node:http';
import { messageOf } from '../../errors.ts';
import type { Logger } from '../../logging/logger.ts';
import { PROMETHEUS_TYPE } from '../../system/prometheus.ts';
import type { RequestListener } from '../connections/guarded-server.ts';
import type { Readiness } from '../telemetry/readiness.ts';

export interface HealthContext {
  readonly readiness: Readiness;
  readonly log: Pick<Logger, 'error'>;
  /** The text of /metrics; null: this address has none. */
  readonly metrics: (() => Promise<string>) | null;
}

export function createHealthDoor(ctx: HealthContext): RequestListener {
  return (request, response) => {
    const answer = (status: number, type: string, text: string) => {
      response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    route(ctx, request.method ?? 'GET', request.url ?? '/', answer).catch((error: unknown) => {
      ctx.log.error('a question of monitoring failed in the server itself', { error });
      endWith500(response, messageOf(error));
    });
  };
}

type Answer = (status: number, type: string, text: string) => void;

async function route(
  { readiness, metrics }: HealthContext,
  method: string,
  url: string,
  answer: Answer,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return answer(405, 'text/plain', 'Only GET is answered here.\n');
  switch (url) {
    case '/healthz':
      return answer(200, 'text/plain', 'ok\n');
    case '/readyz': {
      const problem = await readiness.problem();
      return answer(problem === null ? 200 : 503, 'text/plain', `${problem ?? 'ok'}\n`);
    }
    case '/metrics':
      if (metrics !== null) return answer(200, PROMETHEUS_TYPE, await metrics());
  }
  answer(404, 'text/plain', 'There are /healthz, /readyz and /metrics.\n');
}

function endWith500(response: ServerResponse, why: string): void {
  if (response.headersSent) response.destroy();
  else response.writeHead(500, { 'content-type': 'text/plain' }).end(`${why}\n`);
}
