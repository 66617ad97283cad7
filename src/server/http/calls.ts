/** Calls of hosts that are under way: each is told when its client hangs up, or the server closes. */
import type { ServerResponse } from 'node:http';

export interface Calls {
  /** Begins one. It must be let go of (`using`); after that it is told nothing any more. */
  begin(response: Pick<ServerResponse, 'once' | 'off' | 'destroyed'>): Call;
  /** Ends all, and those that begin from now on at once. */
  endAll(): void;
}

export interface Call extends Disposable {
  readonly signal: AbortSignal;
}

/** A controller for each call and one set of them: signals that follow others take as much memory as all the rest of a waiting poll. */
export function createCalls(): Calls {
  const underWay = new Set<AbortController>();
  let isClosed = false;
  return {
    begin(response) {
      const call = new AbortController();
      const hangUp = () => call.abort();
      underWay.add(call);
      response.once('close', hangUp);
      // A client that hung up before this is not heard of any more.
      if (isClosed || response.destroyed) call.abort();
      return {
        signal: call.signal,
        [Symbol.dispose]() {
          underWay.delete(call);
          response.off('close', hangUp);
        },
      };
    },
    endAll() {
      isClosed = true;
      for (const call of underWay) call.abort();
    },
  };
}
