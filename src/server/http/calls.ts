/** Calls of hosts that are under way: each is told when its client hangs up, or the server closes. */
import type { ServerResponse } from 'node:http';
import type { Asker } from '../commands/command-delivery.ts';

export interface Calls {
  /** Begins one, which is over when its answer is, or its connection. */
  begin(response: Pick<ServerResponse, 'on' | 'destroyed'>): Asker;
  /** Ends all, and those that begin from now on at once. */
  endAll(): void;
}

export function createCalls(): Calls {
  const underWay = new Set<Call>();
  let isClosed = false;
  return {
    begin(response) {
      const call = new Call();
      // A client that hung up before this is not heard of any more.
      if (isClosed || response.destroyed) {
        call.end();
        return call;
      }
      underWay.add(call);
      response.on('close', () => {
        underWay.delete(call);
        call.end();
      });
      return call;
    },
    endAll() {
      isClosed = true;
      for (const call of underWay) call.end();
    },
  };
}

class Call implements Asker {
  isGone = false;
  #waiting: { end(): void } | null = null;

  tell(waiting: { end(): void } | null): void {
    this.#waiting = waiting;
    if (this.isGone) waiting?.end();
  }

  end(): void {
    this.isGone = true;
    this.#waiting?.end();
  }
}
