/** HAProxy's runtime API: one command a connection; the answer ends with the connection. */
import { connect, type NetConnectOpts } from 'node:net';
import { messageOf } from '../../errors.ts';
import { BalancerFault } from './load-balancer.ts';

/** No answer about a backend is longer; what is, is not HAProxy's. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** @throws BalancerFault when nobody answers, or without end */
export async function askHaproxy(place: NetConnectOpts, command: string, signal: AbortSignal): Promise<string> {
  try {
    return await exchange(place, `${command}\n`, signal);
  } catch (cause) {
    throw new BalancerFault({ call: command, answer: messageOf(cause) }, { cause });
  }
}

function exchange(place: NetConnectOpts, line: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(place);
  const pieces: Buffer[] = [];
  let bytes = 0;
  const abort = () => socket.destroy(new Error('there was no answer in time'));
  signal.addEventListener('abort', abort, { once: true });
  socket.on('connect', () => socket.write(line));
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) socket.destroy(new Error('the answer has no end'));
  });
  socket.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
  socket.on('error', reject);
  socket.on('close', () => {
    signal.removeEventListener('abort', abort);
    reject(new Error('the connection was closed before the answer'));
  });
  if (signal.aborted) abort();
  return promise;
}

/** `/run/haproxy/admin.sock`, or `HOST:PORT`. */
export function haproxyPlace(socket: string): NetConnectOpts {
  const tcp = /^(?:tcp@)?([^/]+):(\d+)$/.exec(socket);
  return tcp === null ? { path: socket } : { host: tcp[1] ?? '', port: Number(tcp[2]) };
}
