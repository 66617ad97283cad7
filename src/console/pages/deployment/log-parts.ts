/** Parts of a log, put together as they come. Pure. */

export interface ReadLog {
  readonly text: string;
  /** Position to go on from. */
  readonly nextByte: number;
}

export interface LogPart extends ReadLog {
  /** Behind the position that was asked for when what comes between is not kept. */
  readonly firstByte: number;
}

/** More than a server keeps of a log. A page that is open for hours must not grow. */
const MOST_SHOWN = 512 * 1024;

export function joinLog({ text, nextByte }: ReadLog, part: LogPart): ReadLog {
  const left = part.firstByte - nextByte;
  const note = left > 0 ? `[${left} bytes of the output are not kept]\n` : '';
  return { text: `${text}${note}${part.text}`, nextByte: part.nextByte };
}

/** Lets the oldest lines go when there are too many. */
export function tailOf({ text, nextByte }: ReadLog): ReadLog {
  if (text.length <= MOST_SHOWN) return { text, nextByte };
  const lineEnd = text.indexOf('\n', text.length - MOST_SHOWN);
  return { text: text.slice(lineEnd < 0 ? text.length - MOST_SHOWN : lineEnd + 1), nextByte };
}
