import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { APART } from './apart.ts';
import type { Guest } from './roster.ts';

/**
 * An answer that closes its connection unless the client has proved who it is by then, and that a browser keeps apart from the console. A
 * class, because a function that is put in the place of `writeHead` would cost each poll that is held its memory.
 */
export class GuardedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Owner of the connection that the answer goes out on. */
  guest: Pick<Guest, 'standing'> | null = null;

  /** The head decides: until it is made, the request may have proved who sent it. */
  override writeHead(status: number, ...rest: readonly unknown[]): this {
    if (this.guest !== null && this.guest.standing !== 'known') this.setHeader('connection', 'close');
    for (const [name, value] of APART) if (!this.hasHeader(name)) this.setHeader(name, value);
    return super.writeHead(status, ...(rest as [OutgoingHttpHeaders?]));
  }
}
