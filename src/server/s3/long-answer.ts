/**
 * Answers of operations that may take minutes. Clients and proxies give up a connection on which nothing comes. So the answer begins with
 * 200, and blanks follow until the rest is known, which may still be an error. S3 does the same, and its clients look into such an answer.
 */
import type { ServerResponse } from 'node:http';
import { xmlText } from './xml.ts';

/** Below the minute after which clients and proxies tend to give up; errors that come sooner have statuses of their own. */
const PAUSE_MS = 10_000;

export interface LongAnswer {
  /** From here on the operation may take long. All headers of its answer are set. */
  begin(): void;
  /** Whether the head of the answer was sent, so that only elements may follow. */
  readonly hasBegun: boolean;
  /** Sends no more blanks. */
  stop(): void;
}

export function createLongAnswer(response: ServerResponse, pauseMs = PAUSE_MS): LongAnswer {
  let timer: NodeJS.Timeout | null = null;
  let hasBegun = false;
  const sendSomething = () => {
    if (hasBegun) response.write(' ');
    else {
      hasBegun = true;
      response.setHeader('content-type', 'application/xml');
      // Blanks may stand behind the declaration, not before it.
      response.write(xmlText(''));
    }
  };
  return {
    begin() {
      timer ??= setInterval(sendSomething, pauseMs);
    },
    get hasBegun() {
      return hasBegun;
    },
    stop() {
      if (timer !== null) clearInterval(timer);
    },
  };
}
