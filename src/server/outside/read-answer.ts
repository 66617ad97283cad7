/** Reads what a foreign server sends up to a limit: it may not say how long it is, may say something wrong, and may never end. */

/** The other side sent more than it may. */
export class TooLong extends Error {
  override readonly name = 'TooLong';

  constructor(maxBytes: number) {
    super(`the answer has more than ${maxBytes} bytes`);
  }
}

/** @throws TooLong, or an Error when the connection breaks */
export async function readAnswer(answer: Response, maxBytes: number): Promise<string> {
  return (await readUpTo(answer.body ?? [], maxBytes)).toString('utf8');
}

/** @param source is given up, and its connection closed, once it is too long @throws TooLong, or the error of the source */
export async function readUpTo(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  maxBytes: number,
): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of source) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > maxBytes) throw new TooLong(maxBytes);
  }
  return Buffer.concat(pieces);
}
