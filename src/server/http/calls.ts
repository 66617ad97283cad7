/** Requests from their heads to the ends of their answers: each is counted, and a host's call is told when its client hangs up, or the server closes. */
import type { ServerResponse } from 'node:http';
import type { Asker } from '../commands/command-delivery.ts';
import type { AtEnd, GuardedResponse } from '../connections/guarded-response.ts';
import type { RequestLabels } from '../telemetry/server-metrics.ts';

export interface Calls {
  /** Counts a request when its answer has ended. */
  count(response: Pick<GuardedResponse, 'atEnd'>, labels: RequestLabels): void;
  /** Begins a host's call, by a request that is counted. It is over when its answer is, or its connection. */
  begin(response: Pick<GuardedResponse, 'atEnd' | 'destroyed'>): Asker;
  /** Ends the calls of all hosts, and those that begin from now on at once. */
  endAll(): void;
}

/** @param onEnd is told of each request, when it has ended */
export function createCalls(onEnd: (labels: RequestLabels, status: string) => void): Calls {
  const underWay = new Set<Call>();
  let isClosed = false;
  const ended = (call: Call, response: ServerResponse) => {
    onEnd(call.labels, response.writableFinished ? String(response.statusCode) : 'closed');
    if (underWay.delete(call)) call.end();
  };
  return {
    count(response, labels) {
      response.atEnd = new Call(labels, ended);
    },
    begin({ atEnd, destroyed }) {
      if (!(atEnd instanceof Call)) throw new TypeError('a call begins with a request that is counted');
      // A client that hung up before this is not heard of any more.
      if (isClosed || destroyed) atEnd.end();
      else underWay.add(atEnd);
      return atEnd;
    },
    endAll() {
      isClosed = true;
      for (const call of underWay) call.end();
    },
  };
}

class Call implements Asker, AtEnd {
  readonly labels: RequestLabels;
  isGone = false;
  readonly #ended: (call: Call, response: ServerResponse) => void;
  #waiting: { end(): void } | null = null;

  constructor(labels: RequestLabels, ended: (call: Call, response: ServerResponse) => void) {
    this.labels = labels;
    this.#ended = ended;
  }

  tell(waiting: { end(): void } | null): void {
    this.#waiting = waiting;
    if (this.isGone) waiting?.end();
  }

  end(): void {
    this.isGone = true;
    this.#waiting?.end();
  }

  ended(response: ServerResponse): void {
    this.#ended(this, response);
  }
}
