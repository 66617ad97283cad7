import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Closes a connection so that the client can read its answer, also while it is still sending. A system that closes with unread bytes breaks
 * the connection, and many clients then throw away the answer.
 *
 * @param current the connection's last request
 */
export function lingerWhenClosed(socket: Socket, current: () => IncomingMessage | null, lingerMs: number): void {
  const closeNow = socket.destroySoon.bind(socket);
  // Node calls this when it has sent the last answer of a connection; it reads and drops the rest of the body meanwhile.
  socket.destroySoon = () => {
    if (socket.destroyed || current()?.complete !== false) {
      closeNow();
      return;
    }
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('close', () => clearTimeout(timer));
    socket.end();
  };
}
