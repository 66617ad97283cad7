/** Output of scripts as lines of text. Pure. */
import { StringDecoder } from 'node:string_decoder';
import { escapeUnsafe, withoutTerminalSequences } from '../system/printable.ts';

/** Longer lines are cut into pieces: one script must not fill the memory with one line. */
const MAX_LINE_CHARACTERS = 64 * 1024;

/** Cuts a stream of bytes into lines. Bytes that are no UTF-8 are replaced. */
export interface LineSplitter {
  write(chunk: Buffer): void;
  /** The rest, if the last line had no end. */
  end(): void;
}

export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let pending = '';
  const take = (text: string) => {
    pending += text;
    let begin = 0;
    for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n', begin)) {
      emit(pending.slice(begin, end).replace(/\r$/, ''));
      begin = end + 1;
    }
    pending = pending.slice(begin);
    while (pending.length > MAX_LINE_CHARACTERS) {
      const piece = firstPiece(pending);
      onLine(plainLine(piece));
      pending = pending.slice(piece.length);
    }
  };
  const emit = (line: string) => {
    let rest = line;
    do {
      const piece = firstPiece(rest);
      onLine(plainLine(piece));
      rest = rest.slice(piece.length);
    } while (rest !== '');
  };
  return {
    write: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end());
      if (pending !== '') emit(pending);
      pending = '';
    },
  };
}

/** As much of a line as is written at once; a character that takes two units stays whole. */
function firstPiece(line: string): string {
  if (line.length <= MAX_LINE_CHARACTERS) return line;
  const isSplit = /[\uD800-\uDBFF]/.test(line.charAt(MAX_LINE_CHARACTERS - 1));
  return line.slice(0, isSplit ? MAX_LINE_CHARACTERS - 1 : MAX_LINE_CHARACTERS);
}

/** Colours and cursor movements are for terminals; in a log they hide text or make it lie. Other invisible characters become escapes. */
export function plainLine(line: string): string {
  const text = withoutTerminalSequences(line).replace(/(?!\t)\p{Cc}/gu, '');
  return text.split('\t').map(escapeUnsafe).join('\t');
}

/** The service takes less than this of a log. */
const MAX_TAIL_BYTES = 2048;

/** The last lines of an event's output, as the diagnostics carry them: whole lines, the newest, together below 2048 bytes. */
export interface LogTail {
  add(entry: string): void;
  text(): string;
}

export function createLogTail(): LogTail {
  const entries: string[] = [];
  let bytes = 0;
  return {
    add(entry) {
      // A single entry that is too long keeps its end: that is where the reason stands.
      const kept = `${endOf(entry, MAX_TAIL_BYTES - 2)}\n`;
      entries.push(kept);
      bytes += Buffer.byteLength(kept);
      while (bytes >= MAX_TAIL_BYTES) bytes -= Buffer.byteLength(entries.shift() ?? '');
    },
    text: () => entries.join(''),
  };
}

function endOf(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let begin = bytes.length - maxBytes;
  // Not in the middle of a character.
  while (((bytes[begin] ?? 0) & 0xc0) === 0x80) begin += 1;
  return bytes.toString('utf8', begin);
}
