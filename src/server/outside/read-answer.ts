/** Reads the answer of a foreign server up to a limit: it may not say how long it is, and may never end. */

/** @throws Error when there is more, or the connection breaks */
export async function readAnswer(answer: Response, maxBytes: number): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of answer.body ?? []) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > maxBytes) throw new Error('the answer has no end');
  }
  return Buffer.concat(pieces).toString('utf8');
}
