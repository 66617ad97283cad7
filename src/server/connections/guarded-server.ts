/** Makes the HTTP servers of both doors: Node's, with limits on time and size, and with an ear for each of its faults. */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { messageOf, systemErrorCode } from '../../errors.ts';
import type { SayingSeldom } from '../../logging/seldom.ts';
import { GuardedResponse } from './guarded-response.ts';
import type { ConnectionLimits } from './limits.ts';

export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

export type RequestListener = (request: IncomingMessage, response: GuardedResponse) => void;

/** A client that vanished without a word, behind a long poll, say, is found out by the system after some minutes. */
const ALIVE_AFTER_MS = 60_000;

export function makeGuardedServer(tls: TlsFiles | null, limits: ConnectionLimits, say: SayingSeldom): Server {
  const options = {
    headersTimeout: limits.headMs,
    // A long poll, and a large bundle over a slow line, take their time; bodies are watched by their progress.
    requestTimeout: 0,
    connectionsCheckingInterval: limits.lookEveryMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytes,
    keepAlive: true,
    keepAliveInitialDelay: ALIVE_AFTER_MS,
    ServerResponse: GuardedResponse,
  };
  const server: Server =
    tls === null
      ? createServer(options)
      : createTlsServer({
          ...options,
          handshakeTimeout: limits.handshakeMs,
          cert: readFileSync(tls.certFile),
          key: readFileSync(tls.keyFile),
        });
  // Node would drop the lines above its own limit and answer as if they had not been sent.
  server.maxHeadersCount = 0;
  server.on('error', (error) => {
    // Who listens hears of faults at the start; afterwards this is a connection that could not be accepted.
    if (server.listening) say(`connections cannot be accepted: ${acceptFault(error)}`, { error });
  });
  server.on('clientError', (error, socket) => answerBrokenRequest(error, socket, limits.lingerMs));
  // Node itself would answer both. It would ask for a body before anybody has looked at the request’s head. And its refusal would keep
  // strangers connected for as long as they go on.
  server.on('checkExpectation', (_request, response) => void response.writeHead(417, { connection: 'close' }).end());
  server.on('checkContinue', (request, response) => void server.emit('request', request, response));
  return server;
}

function acceptFault(error: Error): string {
  const code = systemErrorCode(error);
  return code === 'EMFILE' || code === 'ENFILE'
    ? 'the limit on open files is reached (LimitNOFILE in the unit, or ulimit -n)'
    : messageOf(error);
}

const BROKEN_REQUEST: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Answers what is no HTTP or comes too slowly, if no answer is under way that this would damage, and closes. Drops the client's further
 * bytes for `lingerMs`, so that the client can read the answer.
 */
function answerBrokenRequest(error: Error, socket: Duplex, lingerMs: number): void {
  // Answered already; more of the same came meanwhile.
  if (socket.writableEnded && !socket.destroyed) return;
  const code = systemErrorCode(error) ?? '';
  const isRequest = code.startsWith('HPE_') || code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const { bytesWritten } = socket as Socket;
  if (!isRequest || !socket.writable || bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once('close', () => clearTimeout(timer));
  const status = BROKEN_REQUEST[code] ?? '400 Bad Request';
  socket.resume().end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
