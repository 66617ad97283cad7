/**
 * Keeps clients from starving the server. Both doors share one instance, because they share memory and open files.
 *
 * A client that has not proved its identity gets little, and not for long. A known client is left alone, except for bodies and readers that
 * make no progress. Long polls make none and need none: their bodies are complete, and nothing waits to be read.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from '../../logging/logger.ts';
import { saySeldom } from '../../logging/seldom.ts';
import type { Clock } from '../../system/clock.ts';
import { type BodyReader, createBodyReader } from './body.ts';
import { findClientBehind, type TrustedProxies } from './forwarded.ts';
import { type AnswerOwner, type GuardedResponse, noteEnd } from './guarded-response.ts';
import { makeGuardedServer, type RequestListener, type TlsFiles } from './guarded-server.ts';
import type { ConnectionLimits } from './limits.ts';
import { closingLate } from './linger.ts';
import { nextReading, nextWindow, type Reading, type Window } from './progress.ts';
import { createRoster, type Guest } from './roster.ts';

const TOO_MANY =
  'clients open more connections than the server takes; those that have not said who they are are closed. The limit on open files ' +
  '(LimitNOFILE in the unit, or ulimit -n) decides how many it takes';
const ANSWERED_TWICE = 'a request was answered after its answer had ended; what came after the end was not sent';
const FILES_USED_UP =
  'the limit on open files is reached (LimitNOFILE in the unit, or ulimit -n): connections are closed unseen, and files cannot be opened';

export interface Connections {
  /** A server for one door. It is to be closed like any other. */
  createServer(tls: TlsFiles | null, onRequest: RequestListener): Server;
  /** Call it when a request has proved which key sent it. Other connections are closed after their answer. */
  verified(request: IncomingMessage, accessKeyId: string): void;
  /** The client that a request counts for: its sender, or who asked a trusted proxy. As `clientOf` in `address.ts` names it. */
  clientOf(request: IncomingMessage): string;
  /** @see BodyReader */
  readonly readBody: BodyReader;
  /** Takes no more connections and closes those that have not asked for anything. The others are watched to their end. */
  close(): Promise<void>;
}

export interface ConnectionsContext {
  readonly limits: ConnectionLimits;
  readonly trustedProxies: TrustedProxies;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
  /** Asked while somebody is connected. */
  areFilesUsedUp(): boolean;
}

interface Connection extends Guest, AnswerOwner {
  /** Above TLS, once there is that. */
  socket: Socket;
  /** The last request. */
  request: IncomingMessage | null;
  window: Window | null;
  reading: Reading | null;
}

export function createConnections(ctx: ConnectionsContext): Connections {
  const { limits } = ctx;
  const say = saySeldom(ctx.log, ctx.clock);
  const roster = createRoster<Connection>(limits);
  const findClient = findClientBehind(ctx.trustedProxies);
  const clientOf = ({ socket, headers }: IncomingMessage) =>
    findClient(socket.remoteAddress, headers['x-forwarded-for'] as string | undefined);
  /** Connections by addresses and ports, which the plain socket and the one above TLS both know. */
  const byName = new Map<string, Connection>();
  let isClosing = false;
  const timer = setInterval(() => {
    if (isClosing && roster.size === 0) clearInterval(timer);
    if (roster.size > 0 && ctx.areFilesUsedUp()) say(FILES_USED_UP, { connections: roster.size });
    for (const connection of roster.all()) {
      if (!isProgressing(connection, performance.now(), limits)) connection.socket.destroy();
    }
  }, limits.lookEveryMs);
  timer.unref();

  const onConnection = (socket: Socket) => {
    if (isClosing) {
      socket.destroy();
      return;
    }
    const connection: Connection = {
      ...{ client: findClient(socket.remoteAddress, undefined), standing: 'silent', key: null, socket },
      ...{ request: null, open: 0, idleSinceMs: null, window: null, reading: null },
    };
    const leaving = roster.admit(connection);
    if (leaving !== null) say(TOO_MANY, { connections: roster.size, most: limits.connections });
    if (leaving === 'refused') {
      socket.destroy();
      return;
    }
    leaving?.socket.destroy();
    const name = nameOf(socket);
    byName.set(name, connection);
    socket.on('close', () => {
      roster.remove(connection);
      if (byName.get(name) === connection) byName.delete(name);
    });
  };

  // Shared by all sockets.
  const destroySoon = closingLate((socket) => byName.get(nameOf(socket))?.request ?? null, limits.lingerMs);

  // Shared by all answers. Without it, such a fault of one answer would end the server.
  const onAnswerFault = (error: Error) => say(ANSWERED_TWICE, { error });

  const onRequest = (request: IncomingMessage, response: GuardedResponse, next: RequestListener) => {
    const connection = byName.get(nameOf(request.socket));
    if (connection === undefined) {
      // Sent away, or gone already.
      request.socket.destroy();
      return;
    }
    roster.hear(connection);
    Object.assign(connection, { request, window: null, open: connection.open + 1, idleSinceMs: null });
    response.owner = connection;
    response.on('error', onAnswerFault);
    response.on('close', noteEnd);
    if (connection.open > limits.pipelined) {
      connection.socket.destroy();
      return;
    }
    if (request.rawHeaders.length / 2 > limits.headerLines) response.writeHead(431).end();
    else next(request, response);
  };

  return {
    createServer(tls, listener) {
      const server = makeGuardedServer(tls, limits, say);
      server.on('connection', onConnection);
      server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => {
        const connection = byName.get(nameOf(socket));
        if (connection === undefined) return;
        connection.socket = socket;
        socket.destroySoon = destroySoon;
      });
      return server.on('request', (request, response) => onRequest(request, response as GuardedResponse, listener));
    },
    verified(request, accessKeyId) {
      const connection = byName.get(nameOf(request.socket));
      if (connection !== undefined) roster.know(connection, accessKeyId);
    },
    clientOf,
    readBody: createBodyReader(limits, clientOf),
    async close() {
      isClosing = true;
      for (const { standing, socket } of [...roster.all()]) if (standing === 'silent') socket.destroy();
    },
  };
}

function nameOf(socket: Socket): string {
  return `${socket.localAddress} ${socket.localPort} ${socket.remoteAddress} ${socket.remotePort}`;
}

function isProgressing(connection: Connection, nowMs: number, limits: ConnectionLimits): boolean {
  const { socket, request, idleSinceMs } = connection;
  // Node's own limit counts from the last byte, and an empty line is some. A head that has begun by then may still come to its end.
  if (idleSinceMs !== null && nowMs - idleSinceMs > limits.keepAliveMs + limits.headMs) return false;
  if (request === null || request.complete || !isBeingRead(request)) connection.window = null;
  else {
    connection.window = nextWindow(connection.window, socket.bytesRead, nowMs, limits);
    if (connection.window === null) return false;
  }
  const waiting = socket.writableLength;
  if (waiting === 0) {
    connection.reading = null;
    return true;
  }
  connection.reading = nextReading(connection.reading, socket.bytesWritten - waiting, waiting, nowMs, limits);
  return connection.reading !== null;
}

/** Whether it is the client that is waited for, and not the server that has not got to the body yet. */
function isBeingRead(request: IncomingMessage): boolean {
  const isAskedFor = request.readableFlowing !== null || request.listenerCount('readable') > 0;
  return isAskedFor && request.readableLength < request.readableHighWaterMark;
}
