import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { APART } from './apart.ts';
import type { Guest } from './roster.ts';

/** The connection that an answer goes out on. */
export interface AnswerOwner extends Pick<Guest, 'standing'> {
  /** Requests without an answer. */
  open: number;
  /** Since when all requests are answered; ms of `performance`. null: one is not, or there was none yet. */
  idleSinceMs: number | null;
}

/** Is told that an answer has been sent whole, or that its connection is gone. */
export interface AtEnd {
  ended(response: ServerResponse): void;
}

/**
 * An answer that closes its connection unless the client has proved who it is by then, and that a browser keeps apart from the console. A
 * class with fields: a poll that is held keeps them for as long as a minute, and functions and listeners of its own take four times their
 * memory.
 */
export class GuardedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  owner: AnswerOwner | null = null;
  /** The request's own party, after its connection. */
  atEnd: AtEnd | null = null;

  /** The head decides: until it is made, the request may have proved who sent it. */
  override writeHead(status: number, ...rest: readonly unknown[]): this {
    if (this.owner !== null && this.owner.standing !== 'known') this.setHeader('connection', 'close');
    for (const [name, value] of APART) if (!this.hasHeader(name)) this.setHeader(name, value);
    return super.writeHead(status, ...(rest as [OutgoingHttpHeaders?]));
  }
}

/** Listens to the end of an answer. Shared by all. */
export function noteEnd(this: GuardedResponse): void {
  const { owner } = this;
  if (owner !== null) {
    owner.open -= 1;
    if (owner.open === 0) owner.idleSinceMs = performance.now();
  }
  this.atEnd?.ended(this);
}
