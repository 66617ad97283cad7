/**
 * Passes the output of one event's scripts to those who watch. Scripts never wait for it: what cannot be sent in time is left out, the
 * oldest first, and the position of what follows says how much that was.
 */
import type { Clock } from '../system/clock.ts';

export interface LiveOutput {
  /** @param line with its end, as the log file has it */
  add(line: string): void;
  /** The last batch has arrived: the next may go. */
  taken(): void;
  /** The event has ended: sends all that is left. */
  end(): void;
}

/** A part of the output, of whole characters. */
export interface OutputBatch {
  /** Bytes of the output that come before it. */
  readonly firstByte: number;
  readonly text: string;
}

export interface LiveOutputContext {
  readonly clock: Pick<Clock, 'sleep'>;
  send(batch: OutputBatch): void;
}

/** Output within this time is sent together. */
export const GATHER_MS = 250;
/** Text of one batch, in bytes. */
export const MOST_BATCH_BYTES = 32 * 1024;
/** Limit on the output that waits, in bytes. It is also what is still sent at the end. */
export const MOST_WAITING_BYTES = 128 * 1024;

export function createLiveOutput({ clock, send }: LiveOutputContext): LiveOutput {
  const ended = new AbortController();
  const waiting: { readonly text: string; readonly bytes: number }[] = [];
  /** Lines that are not counted yet. A script may write a hundred thousand a second, so they are counted together. */
  let fresh = '';
  let waitingBytes = 0;
  let firstByte = 0;
  let isUnderWay = false;
  let isGathering = false;

  const drop = () => {
    const bytes = waiting.shift()?.bytes ?? 0;
    waitingBytes -= bytes;
    firstByte += bytes;
  };
  const count = () => {
    if (fresh === '') return;
    const bytes = Buffer.byteLength(fresh);
    waiting.push({ text: fresh, bytes });
    waitingBytes += bytes;
    fresh = '';
    while (waitingBytes > MOST_WAITING_BYTES) drop();
  };
  const sendOne = () => {
    const lines: string[] = [];
    let bytes = 0;
    const begin = firstByte;
    for (let next = waiting[0]; next !== undefined && bytes + next.bytes <= MOST_BATCH_BYTES; next = waiting[0]) {
      lines.push(next.text);
      bytes += next.bytes;
      drop();
    }
    send({ firstByte: begin, text: lines.join('') });
  };
  const gather = () => {
    if (isGathering || isUnderWay || ended.signal.aborted) return;
    isGathering = true;
    void clock.sleep(GATHER_MS, ended.signal).then(() => {
      isGathering = false;
      if (ended.signal.aborted) return;
      count();
      isUnderWay = true;
      sendOne();
    });
  };
  return {
    add(line) {
      for (const piece of line.length > MOST_PIECE_CHARACTERS ? piecesOf(line) : [line]) {
        if (fresh.length + piece.length > MOST_PIECE_CHARACTERS) count();
        fresh += piece;
      }
      gather();
    },
    taken() {
      isUnderWay = false;
      if (waiting.length > 0 || fresh !== '') gather();
    },
    end() {
      ended.abort();
      count();
      while (waiting.length > 0) sendOne();
    },
  };
}

/** Characters of a line whose bytes fit into a batch, however many each has. */
const MOST_PIECE_CHARACTERS = MOST_BATCH_BYTES / 4;

/** A long line, in pieces that fit into a batch. */
function piecesOf(line: string): readonly string[] {
  const pieces: string[] = [];
  for (let at = 0; at < line.length; ) {
    // A character that takes two places stays whole.
    const isSplit = /[\uD800-\uDBFF]/.test(line.charAt(at + MOST_PIECE_CHARACTERS - 1));
    const piece = line.slice(at, at + MOST_PIECE_CHARACTERS - (isSplit ? 1 : 0));
    pieces.push(piece);
    at += piece.length;
  }
  return pieces;
}
