/**
 * One download for every store that serves ranges of bytes. Several pieces arrive at once, and this process or the next resumes them where
 * they broke off.
 */
import { isSlipwayError, SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import type { Clock } from '../system/clock.ts';
import { createBufferSweeper } from '../system/spent-buffers.ts';
import { type BundlePart, openBundlePart } from './bundle-part.ts';
import { type ByteRange, missingPieces } from './byte-ranges.ts';
import { type ContentCheck, createContentCheck } from './content-check.ts';
import { type DownloadSource, ObjectChanged } from './download-source.ts';
import { createPace, type Pace } from './pace.ts';
import { createProgressMeter, type ProgressMeter } from './progress.ts';
import { tooLarge } from './too-large.ts';
import { createTries } from './tries.ts';
import type { DownloadRequest, DownloadTuning, FetchedBundle } from './types.ts';
import { type Connection, openWatched } from './watched-connection.ts';

export const DOWNLOAD_TUNING: DownloadTuning = {
  firstBytes: 16 * 2 ** 20,
  pieceBytes: 8 * 2 ** 20,
  piecesAtOnce: 4,
  noProgressMs: 60_000,
  pace: { leastBytesPerSecond: 1024, windowMs: 120_000 },
  retryWaitsMs: [1_000, 2_000, 4_000, 8_000],
};

/** A try that brought so much was worth it: the tries are counted anew. */
const WORTHWHILE_BYTES = 256 * 1024;
/** An object that is replaced again and again while it is downloaded is nothing to deploy. */
const MAX_RESTARTS = 2;
/** At least so much is fetched even if all is here, to learn whether the object is still the same. */
const PROBE_BYTES = 1;

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
  const pace = createPace(ctx.tuning.pace);
  const tries = createTries(ctx, source, pace, request.signal);
  let restarts = 0;
  try {
    for (;;) {
      const wasHere = part.receivedBytes > 0;
      try {
        const eTag = await fetchOnce({ ...ctx, pace }, source, part, request);
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
    const mayGoOn = isSlipwayError(error, 'REVISION_UNREACHABLE') || isSlipwayError(error, 'REVISION_TOO_SLOW');
    if (request.signal?.aborted === true || mayGoOn) part.keep();
    throw error;
  } finally {
    part.discard();
  }
}

/** State that all pieces of one download share. */
interface Hand extends DownloadContext {
  readonly pace: Pace;
  readonly maxBytes: number;
  readonly source: DownloadSource;
  readonly part: BundlePart;
  readonly meter: ProgressMeter;
  readonly check: ContentCheck;
  readonly sweep: (spentBytes: number) => void;
}

/** @returns the ETag */
async function fetchOnce(
  ctx: DownloadContext & { readonly pace: Pace },
  source: DownloadSource,
  part: BundlePart,
  request: DownloadRequest,
): Promise<string | null> {
  const stop = new AbortController();
  const signal = request.signal === undefined ? stop.signal : AbortSignal.any([request.signal, stop.signal]);
  const maxBytes = request.maxBytes ?? Number.POSITIVE_INFINITY;
  const first = await openWatched(
    { ...ctx.tuning, pace: ctx.pace },
    source,
    firstMissing(part, ctx.tuning.firstBytes),
    part.object?.validator ?? null,
    signal,
  );
  try {
    const { eTag, range, sizeBytes, validator } = first.opened;
    if ((sizeBytes ?? 0) > maxBytes) throw tooLarge(source.name, maxBytes);
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
    const hand: Hand = {
      ...ctx,
      maxBytes,
      source,
      part,
      meter,
      check: createContentCheck(part, digest),
      sweep: createBufferSweeper(),
    };
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
  const tries = createTries(hand, source, hand.pace, signal);
  let at = piece.from;
  let connection = begun;
  while (at < piece.to) {
    const startedAt = at;
    try {
      const range = { from: at, to: piece.to };
      connection ??= await openWatched(
        { ...hand.tuning, pace: hand.pace },
        source,
        range,
        part.object?.validator ?? null,
        signal,
      );
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
  { part, meter, check, sweep, pace, maxBytes, source }: Hand,
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
      if (from + received + chunk.length > maxBytes) throw tooLarge(source.name, maxBytes);
      part.write(from + received, chunk);
      check.written(from + received, chunk);
      received += chunk.length;
      pace.add(chunk.length);
      meter.add(chunk.length);
      sweep(chunk.length);
      onReceived(received);
    }
  } catch (error) {
    throw connection.stalled() ?? error;
  }
  if (expected !== null && received !== expected) throw new Error(`only ${received} of ${expected} bytes came`);
}
