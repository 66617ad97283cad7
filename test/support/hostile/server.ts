import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { PrivateCertificates } from '../certificates.ts';
import { HOSTILE } from './text.ts';

export interface HostileServer extends AsyncDisposable {
  readonly url: string;
  /** Operations that it was asked for. */
  readonly asked: ReadonlySet<string>;
}

/**
 * A control server and a store in one, whose every word is an order.
 *
 * @param tls it speaks that, with a certificate of its own authority
 * @param answers by operation; one that is not here is refused with harmful words
 */
export async function startHostileServer(
  answers: Readonly<Record<string, unknown>>,
  tls: PrivateCertificates | null = null,
): Promise<HostileServer> {
  const asked = new Set<string>();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume().once('end', () => {
      const target = request.headers['x-amz-target'];
      if (target === undefined) return refuseAsStore(request, response);
      const operation = String(target).split('.').at(-1) ?? '';
      asked.add(operation);
      const answer = answers[operation];
      response.writeHead(answer === undefined ? 400 : 200, { 'x-amzn-requestid': 'x' });
      response.end(JSON.stringify(answer ?? { __type: `x#${HOSTILE}`, message: HOSTILE }));
    });
  };
  const server =
    tls === null
      ? createServer(listener)
      : createTlsServer({ cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) }, listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `${tls === null ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** As S3 does, or GitHub, or a server of git: each shows its client the words that belong to its own form. */
function refuseAsStore(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '';
  if (/\/repos\//.test(path)) {
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: HOSTILE, documentation_url: HOSTILE, errors: [{ message: HOSTILE }] }));
  } else if (/\/info\/refs/.test(path)) {
    // git shows this as lines that begin with `remote: `.
    response.writeHead(403, { 'content-type': 'text/plain' });
    response.end(HOSTILE);
  } else {
    response.writeHead(403, { 'content-type': 'application/xml' });
    const text = HOSTILE.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    response.end(`<Error><Code>${text}</Code><Message>${text}</Message><Resource>${text}</Resource></Error>`);
  }
}
