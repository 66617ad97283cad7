/**
 * Streams of changes: each tells its page that something is new, and the page asks the API for it. One look at the rows serves all streams of a
 * topic, and nobody looks while nobody listens. The rows are the source, so changes that other servers make are told, too.
 */
import type { ServerResponse } from 'node:http';
import { ApiError } from '../../../protocol/errors.ts';
import type { Clock } from '../../../system/clock.ts';
import { pauseAfterLook } from './look-pace.ts';

/** State of a topic as a text; null: there is nothing of the name any more. */
export type LookAtTopic = (topic: string) => Promise<string | null>;

export interface StreamsContext {
  readonly clock: Pick<Clock, 'sleep'>;
  readonly look: LookAtTopic;
  /** Monotonic; milliseconds. */
  elapsedMs(): number;
}

export interface Stream {
  readonly topic: string;
  /** The key that opened it. */
  readonly accessKeyId: string;
  /** Asked now and then: whether the session and its key still hold. */
  isStillWelcome(): Promise<boolean>;
}

export interface Streams {
  /** Answers with a stream. @throws ApiError ThrottlingException when the key, or all together, have as many as they may */
  open(stream: Stream, response: ServerResponse, headers: Readonly<Record<string, string>>): void;
  /** Ends all, and those that begin from now on. */
  close(): Promise<void>;
}

/** How often a stream says that it is there, and its session is looked at, at the next look. */
const CHECK_EVERY_MS = 10_000;
const MOST_PER_KEY = 32;
const MOST = 512;
/** A page that does not read is let go before its stream fills the memory. */
const MOST_UNREAD_BYTES = 16_384;

interface Listener extends Stream {
  readonly response: ServerResponse;
}

export function createStreams(ctx: StreamsContext): Streams {
  const listeners = new Map<string, Set<Listener>>();
  const watching = new Set<Promise<void>>();
  const closing = new AbortController();
  const { signal } = closing;

  const count = (accessKeyId: string | null) =>
    [...listeners.values()].reduce((sum, set) => {
      const own = [...set].filter((one) => accessKeyId === null || one.accessKeyId === accessKeyId);
      return sum + own.length;
    }, 0);

  const watch = async (topic: string, own: ReadonlySet<Listener>): Promise<void> => {
    let last: string | null | undefined;
    let checkedMs = ctx.elapsedMs();
    while (own.size > 0 && !signal.aborted) {
      const beganMs = ctx.elapsedMs();
      // While the database is down, nothing is new.
      const state = await ctx.look(topic).catch(() => last);
      const tookMs = ctx.elapsedMs() - beganMs;
      if (last !== undefined && state !== last)
        for (const { response } of own) say(response, 'event: change\ndata: {}\n\n');
      last = state;
      if (beganMs - checkedMs >= CHECK_EVERY_MS) {
        await check(own);
        checkedMs = beganMs;
      }
      await ctx.clock.sleep(pauseAfterLook(tookMs, listeners.size), signal);
    }
    listeners.delete(topic);
  };

  const begin = (topic: string): Set<Listener> => {
    const own = new Set<Listener>();
    listeners.set(topic, own);
    // The first listener is entered before the first look.
    const running = Promise.resolve().then(() => watch(topic, own));
    watching.add(running);
    void running.finally(() => watching.delete(running));
    return own;
  };

  return {
    open(stream, response, headers) {
      if (signal.aborted) throw new ApiError('ServiceUnavailable', 'The server is stopping.', { status: 503 });
      if (count(stream.accessKeyId) >= MOST_PER_KEY || count(null) >= MOST) {
        const message = `Rate exceeded: ${MOST_PER_KEY} pages of one key are told of changes, and ${MOST} in all. Close some.`;
        throw new ApiError('ThrottlingException', message, { status: 429 });
      }
      // A page that has gone meanwhile would hold its place for ever: its end has been told.
      if (response.destroyed) return;
      const listener = { ...stream, response };
      const own = listeners.get(stream.topic) ?? begin(stream.topic);
      own.add(listener);
      response.on('close', () => own.delete(listener));
      response.writeHead(200, { ...headers, 'content-type': 'text/event-stream; charset=utf-8' });
      // A page asks for what it shows once it is told of changes, so that none falls between the two.
      response.write('event: open\ndata: {}\n\n');
    },
    async close() {
      closing.abort();
      for (const own of listeners.values()) for (const { response } of own) response.end();
      await Promise.all(watching);
    },
  };
}

async function check(own: ReadonlySet<Listener>): Promise<void> {
  for (const listener of own) {
    const { response } = listener;
    // It was signed out at an earlier check, and has not taken that.
    if (response.writableEnded) response.destroy();
    // A database that is down signs nobody out.
    else if (await listener.isStillWelcome().catch(() => true)) say(response, ': here\n\n');
    else signOff(response);
  }
}

function say(response: ServerResponse, text: string): void {
  if (response.writableLength > MOST_UNREAD_BYTES) response.destroy();
  else if (!response.writableEnded) response.write(text);
}

function signOff(response: ServerResponse): void {
  // The server may have ended it while its session was looked at. A text after the end would be an error.
  if (!response.writableEnded) response.end('event: signed-out\ndata: {}\n\n');
}
