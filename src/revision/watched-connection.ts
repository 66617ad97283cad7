/** One answer of a source, watched: it must go on coming, and be what was asked for. */
import { messageOf } from '../errors.ts';
import type { ByteRange } from './byte-ranges.ts';
import { type DownloadSource, ObjectChanged, type OpenedRange } from './download-source.ts';
import type { Pace } from './pace.ts';

/** An answer whose body comes in, and the watch over it. */
export interface Connection {
  readonly opened: OpenedRange;
  /** Something has come. */
  seen(): void;
  /** That nothing came for too long; null: it did not stall. */
  stalled(): Error | null;
  close(): void;
}

/**
 * Asks a source for bytes, and gives the answer up when nothing comes for too long, or too little.
 *
 * @throws what the source does; ObjectChanged; Error for a stall, or for other bytes than were asked for
 */
export async function openWatched(
  { noProgressMs, pace }: { readonly noProgressMs: number; readonly pace: Pace },
  source: DownloadSource,
  range: ByteRange,
  validator: string | null,
  signal: AbortSignal,
): Promise<Connection> {
  const watch = new AbortController();
  const timer = setTimeout(
    () => watch.abort(new Error(`nothing came for ${noProgressMs / 1000} seconds`)),
    noProgressMs,
  );
  const both = AbortSignal.any([signal, watch.signal]);
  const unwatch = pace.watch((why) => watch.abort(why));
  const end = () => {
    clearTimeout(timer);
    unwatch();
  };
  try {
    // Whatever a source waits for (names, credentials, a handshake, headers that trickle) must not outlast the watch.
    const opened = await orAborted(source.open(range, validator, both), both);
    const cut = () => opened.body.destroy(asError(both.reason));
    if (both.aborted) cut();
    both.addEventListener('abort', cut, { once: true });
    const close = () => {
      end();
      both.removeEventListener('abort', cut);
      // What is cut off in the middle may still say so, when nobody listens any more.
      opened.body.on('error', () => undefined).destroy();
    };
    const fault = faultOf(source, opened, range, validator);
    if (fault !== null) {
      close();
      throw fault;
    }
    const stalled = () => (watch.signal.aborted && !signal.aborted ? asError(watch.signal.reason) : null);
    return { opened, seen: () => void timer.refresh(), stalled, close };
  } catch (error) {
    end();
    throw watch.signal.aborted && !signal.aborted ? watch.signal.reason : error;
  }
}

/** An answer that comes when nobody waits for it any more is put away. */
function orAborted(opening: Promise<OpenedRange>, signal: AbortSignal): Promise<OpenedRange> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => {
    reject(asError(signal.reason));
    void opening.then(
      ({ body }) => body.on('error', () => undefined).destroy(),
      () => undefined,
    );
  };
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return Promise.race([opening, promise]).finally(() => signal.removeEventListener('abort', abort));
}

/** Checks an opened range; null: nothing is wrong. */
function faultOf(
  source: DownloadSource,
  { range, ...opened }: OpenedRange,
  asked: ByteRange,
  validator: string | null,
): Error | null {
  if (validator !== null && opened.validator !== validator)
    return new ObjectChanged(`${source.name} is another object now`);
  if (range === null) return null;
  const end = opened.sizeBytes === null ? asked.to : Math.min(asked.to, opened.sizeBytes);
  if (range.from === asked.from && range.to === end) return null;
  return new Error(`bytes ${asked.from} to ${asked.to} were asked for, but ${range.from} to ${range.to} came`);
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(messageOf(reason));
}
