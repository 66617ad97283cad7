import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

/**
 * Closes a connection so that the client can read its answer, also while it is still sending. A system that closes with unread bytes breaks
 * the connection, and many clients then throw away the answer.
 *
 * @param current a connection's last request
 * @returns what takes the place of `destroySoon` in each socket. Node calls that when it has sent the last answer of a connection; it reads
 * and drops the rest of the body meanwhile
 */
export function closingLate(
  current: (socket: Socket) => IncomingMessage | null,
  lingerMs: number,
): (this: Socket) => void {
  return function destroySoon() {
    if (this.destroyed || current(this)?.complete !== false) {
      Socket.prototype.destroySoon.call(this);
      return;
    }
    const timer = setTimeout(() => this.destroy(), lingerMs);
    this.once('close', () => clearTimeout(timer));
    this.end();
  };
}
