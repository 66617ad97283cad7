/**
 * One download for every store that can be asked for a range of bytes: several pieces at once, resumed where they broke off, by this
 * process or by the next.
 */
import type { Readable } from 'node:stream';
import { isSlipwayError, messageOf, SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import { type BundlePart, openBundlePart } from './bundle-part.ts';
import { type ByteRange, missingPieces } from './byte-ranges.ts';
import { createDigest, type ExpectedDigest } from './content-digest.ts';
import type { DownloadRequest, FetchedBundle } from './fetch-bundle.ts';
import { createProgressMeter, type ProgressMeter } from './progress.ts';

/** How downloads go about it. Numbers of their own are for tests, and for hosts with odd networks. */
export interface DownloadTuning {
  /** What is asked for at first, and all that small bundles need. */
  readonly firstBytes: number;
  readonly pieceBytes: number;
  readonly piecesAtOnce: number;
  /** A source that sends nothing for this long has gone; how long the whole takes does not matter. */
  readonly noProgressMs: number;
  /** Before each new try of what broke off; when they are used up with next to nothing gained, the download has failed. */
  readonly retryWaitsMs: readonly number[];
}

export const DOWNLOAD_TUNING: DownloadTuning = {
  firstBytes: 16 * 2 ** 20,
  pieceBytes: 8 * 2 ** 20,
  piecesAtOnce: 4,
  noProgressMs: 60_000,
  retryWaitsMs: [1_000, 2_000, 4_000, 8_000],
};

/** A try that brought so much was worth it: the tries are counted anew. */
const WORTHWHILE_BYTES = 256 * 1024;
/** An object that is replaced again and again while it is downloaded is nothing to deploy. */
const MAX_RESTARTS = 2;
/** At least so much is fetched even if all is here, to learn whether the object is still the same. */
const PROBE_BYTES = 1;
const READ_BACK_BYTES = 1024 * 1024;

export interface DownloadSource {
  /** For messages. */
  readonly name: string;
  /** The same text for the same place, with no secret in it. */
  readonly identity: string;
  /**
   * Asks for bytes.
   *
   * @param validator the object must still be this one; null: any
   * @throws SlipwayError when asking again would not help; ObjectChanged; anything else is worth another try
   */
  open(range: ByteRange, validator: string | null, signal: AbortSignal): Promise<OpenedRange>;
  /** What the content must add up to, once something is known of it; null: nobody knows. */
  expectedDigest(opened: OpenedRange, signal: AbortSignal): Promise<ExpectedDigest | null>;
  /** The error when all tries are used up. */
  unreachable(cause: unknown): SlipwayError;
}

export interface OpenedRange {
  readonly body: Readable;
  /** null: the source does not do ranges, and the body is the whole. */
  readonly range: ByteRange | null;
  /** Of the whole object; null: unknown. */
  readonly sizeBytes: number | null;
  /** A strong ETag without quotes; null: what breaks off has to begin anew. */
  readonly validator: string | null;
  /** Without quotes, for whoever wants to know. */
  readonly eTag: string | null;
  /** The content is stored as the store's own encryption left it, so the ETag is no MD5. */
  readonly hasOpaqueETag: boolean;
}

/** The object is not the one that the download began with. */
export class ObjectChanged extends Error {
  override readonly name = 'ObjectChanged';
}

export interface DownloadContext {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tuning: DownloadTuning;
}

/**
 * Brings an object into `request.bundleFile`, whole and verified.
 *
 * A download that breaks off for good, or that is aborted, leaves its part behind if the source can be asked for the rest later.
 *
 * @throws SlipwayError REVISION_…
 */
export async function download(
  ctx: DownloadContext,
  source: DownloadSource,
  request: DownloadRequest,
): Promise<FetchedBundle> {
  const part = openBundlePart(request.bundleFile, source.identity, request.partFiles ?? []);
  const tries = createTries(ctx, source, request.signal);
  let restarts = 0;
  try {
    for (;;) {
      const wasHere = part.receivedBytes > 0;
      try {
        const eTag = await fetchOnce(ctx, source, part, request);
        const sizeBytes = part.receivedBytes;
        part.finish();
        return { eTag, sizeBytes };
      } catch (error) {
        request.signal?.throwIfAborted();
        const mayBeStale = wasHere && isSlipwayError(error, 'REVISION_DIGEST_MISMATCH');
        if (error instanceof ObjectChanged || mayBeStale) {
          restarts += 1;
          if (restarts > MAX_RESTARTS) {
            throw new SlipwayError('REVISION_CHANGED', `${source.name} was replaced while it was downloaded`);
          }
          ctx.log.warn('what is here of the bundle does not fit the rest; beginning anew', {
            source: source.name,
            error,
          });
          part.begin(null);
        } else if (isSlipwayError(error)) throw error;
        else await tries.failed(error);
      }
    }
  } catch (error) {
    if (request.signal?.aborted === true || isSlipwayError(error, 'REVISION_UNREACHABLE')) part.keep();
    throw error;
  } finally {
    part.discard();
  }
}

/** What all pieces of one download have in common. */
interface Hand extends DownloadContext {
  readonly source: DownloadSource;
  readonly part: BundlePart;
  readonly meter: ProgressMeter;
  readonly check: ContentCheck;
}

/** @returns the ETag */
async function fetchOnce(
  ctx: DownloadContext,
  source: DownloadSource,
  part: BundlePart,
  request: DownloadRequest,
): Promise<string | null> {
  const stop = new AbortController();
  const signal = request.signal === undefined ? stop.signal : AbortSignal.any([request.signal, stop.signal]);
  const first = await openWatched(
    ctx,
    source,
    firstMissing(part, ctx.tuning.firstBytes),
    part.object?.validator ?? null,
    signal,
  );
  try {
    const { eTag, range, sizeBytes, validator } = first.opened;
    const digest = await source.expectedDigest(first.opened, signal);
    if (part.object === null || range === null) {
      const canGoOn = range !== null && sizeBytes !== null && validator !== null;
      part.begin(canGoOn ? { source: source.identity, sizeBytes, validator } : null);
    } else {
      const { receivedBytes } = part;
      ctx.log.info('going on with a download that broke off', { source: source.name, receivedBytes, sizeBytes });
    }
    request.reserve?.(sizeBytes === null ? null : sizeBytes - part.receivedBytes);
    const meter = createProgressMeter(ctx.clock, request.onProgress);
    meter.begin(part.receivedBytes, sizeBytes);
    const hand: Hand = { ...ctx, source, part, meter, check: createContentCheck(part, digest) };
    if (part.object === null || range === null) {
      await readBody(hand, first, 0, sizeBytes);
    } else {
      const queue = [...missingPieces([...part.done, range], part.object.sizeBytes, ctx.tuning.pieceBytes)];
      const work = async (begun: { readonly range: ByteRange; readonly connection: Connection } | null) => {
        if (begun !== null) await fetchPiece(hand, begun.range, begun.connection, signal);
        for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
          await fetchPiece(hand, piece, null, signal);
        }
      };
      const others = Math.min(ctx.tuning.piecesAtOnce - 1, queue.length);
      await allOrNone(stop, [work({ range, connection: first }), ...Array.from({ length: others }, () => work(null))]);
    }
    hand.check.finish(source.name);
    return eTag;
  } finally {
    first.close();
  }
}

/** The first bytes that are missing; of a part that is complete the last ones, to learn whether the object is still the same. */
function firstMissing(part: BundlePart, firstBytes: number): ByteRange {
  if (part.object === null) return { from: 0, to: firstBytes };
  const { sizeBytes } = part.object;
  const [missing] = missingPieces(part.done, sizeBytes, firstBytes);
  return missing ?? { from: Math.max(0, sizeBytes - PROBE_BYTES), to: sizeBytes };
}

/** Waits for all; the first that fails stops the others. */
async function allOrNone(stop: AbortController, work: readonly Promise<void>[]): Promise<void> {
  const endings = await Promise.allSettled(
    work.map((one) =>
      one.catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    ),
  );
  if (endings.some(({ status }) => status === 'rejected')) throw stop.signal.reason;
}

/** Brings one piece, over as many connections as it takes. @param begun a connection that has it already */
async function fetchPiece(hand: Hand, piece: ByteRange, begun: Connection | null, signal: AbortSignal): Promise<void> {
  const { source, part } = hand;
  const tries = createTries(hand, source, signal);
  let at = piece.from;
  let connection = begun;
  while (at < piece.to) {
    const startedAt = at;
    try {
      const range = { from: at, to: piece.to };
      connection ??= await openWatched(hand, source, range, part.object?.validator ?? null, signal);
      if (connection.opened.range === null) throw new ObjectChanged(`${source.name} can no longer be had in pieces`);
      await readBody(hand, connection, at, piece.to - at, (received) => {
        at = startedAt + received;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (isSlipwayError(error) || error instanceof ObjectChanged) throw error;
      if (at - startedAt >= WORTHWHILE_BYTES) tries.reset();
      part.note();
      await tries.failed(error);
    } finally {
      connection?.close();
      connection = null;
    }
  }
  hand.check.catchUp();
  part.note();
}

/** @param expected bytes that the body must have; null: nobody knows */
async function readBody(
  { part, meter, check }: Hand,
  connection: Connection,
  from: number,
  expected: number | null,
  onReceived: (received: number) => void = () => undefined,
): Promise<void> {
  let received = 0;
  try {
    for await (const chunk of connection.opened.body as AsyncIterable<Buffer>) {
      connection.seen();
      if (expected !== null && received + chunk.length > expected) throw new Error(`more than ${expected} bytes came`);
      part.write(from + received, chunk);
      check.written(from + received, chunk);
      received += chunk.length;
      meter.add(chunk.length);
      onReceived(received);
    }
  } catch (error) {
    throw connection.stalled() ?? error;
  }
  if (expected !== null && received !== expected) throw new Error(`only ${received} of ${expected} bytes came`);
}

/** An answer whose body comes in, and the watch over it. */
interface Connection {
  readonly opened: OpenedRange;
  /** Something has come. */
  seen(): void;
  /** That nothing came for too long; null: it did not stall. */
  stalled(): Error | null;
  close(): void;
}

async function openWatched(
  { tuning }: DownloadContext,
  source: DownloadSource,
  range: ByteRange,
  validator: string | null,
  signal: AbortSignal,
): Promise<Connection> {
  const watch = new AbortController();
  const timer = setTimeout(
    () => watch.abort(new Error(`nothing came for ${tuning.noProgressMs / 1000} seconds`)),
    tuning.noProgressMs,
  );
  const both = AbortSignal.any([signal, watch.signal]);
  try {
    const opened = await source.open(range, validator, both);
    const cut = () => opened.body.destroy(asError(both.reason));
    if (both.aborted) cut();
    both.addEventListener('abort', cut, { once: true });
    const close = () => {
      clearTimeout(timer);
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
    clearTimeout(timer);
    throw watch.signal.aborted && !signal.aborted ? watch.signal.reason : error;
  }
}

/** What is wrong with an answer; null: nothing. */
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

/** Counts failures in a row and waits between them. */
function createTries(ctx: DownloadContext, source: DownloadSource, signal: AbortSignal | undefined) {
  let failures = 0;
  return {
    reset: () => {
      failures = 0;
    },
    /** @throws SlipwayError REVISION_UNREACHABLE when the tries are used up */
    async failed(error: unknown): Promise<void> {
      const waitMs = ctx.tuning.retryWaitsMs[failures];
      failures += 1;
      if (waitMs === undefined) throw source.unreachable(error);
      ctx.log.warn('the download of the bundle broke off and is taken up again', {
        source: source.name,
        waitMs,
        error,
      });
      await ctx.clock.sleep(waitMs, signal);
      signal?.throwIfAborted();
    },
  };
}

interface ContentCheck {
  written(position: number, chunk: Uint8Array): void;
  /** Reads back what came out of order. */
  catchUp(): void;
  /** @throws SlipwayError REVISION_DIGEST_MISMATCH */
  finish(name: string): void;
}

/** Sums up the content from its beginning while it comes, so that little is left to read at the end. */
function createContentCheck(part: BundlePart, expected: ExpectedDigest | null): ContentCheck {
  const digest = expected === null ? null : createDigest(expected.algorithm);
  let at = 0;
  const catchUp = () => {
    const [front] = part.done;
    if (digest === null || front === undefined || front.from > 0) return;
    const buffer = Buffer.allocUnsafe(READ_BACK_BYTES);
    while (at < front.to) {
      const read = part.read(at, buffer.subarray(0, Math.min(buffer.length, front.to - at)));
      if (read === 0) return;
      digest.update(buffer.subarray(0, read));
      at += read;
    }
  };
  return {
    written(position, chunk) {
      if (digest === null || position !== at) return;
      digest.update(chunk);
      at += chunk.length;
    },
    catchUp,
    finish(name) {
      if (digest === null || expected === null) return;
      catchUp();
      const found = digest.hex();
      if (found === expected.hex) return;
      throw new SlipwayError(
        'REVISION_DIGEST_MISMATCH',
        `what came of ${name} is not what it should be: its ${expected.algorithm} is ${found}, but ${expected.origin} says ${expected.hex}`,
      );
    },
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(messageOf(reason));
}
