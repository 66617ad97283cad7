import { randomBytes, randomInt, randomUUID } from 'node:crypto';

/** Chance as the rest of the code sees it: ids, secrets and jitter come from here, so that a test can choose them. */
export interface Random {
  uuid(): string;
  /** `length` characters drawn evenly from `alphabet`. */
  text(length: number, alphabet: string): string;
  bytes(length: number): Buffer;
  /** A number in [0, 1). */
  fraction(): number;
}

export const systemRandom: Random = {
  uuid: () => inOnePiece(randomUUID()),
  text: (length, alphabet) => Array.from({ length }, () => alphabet.charAt(randomInt(alphabet.length))).join(''),
  bytes: (length) => randomBytes(length),
  fraction: () => randomInt(2 ** 32) / 2 ** 32,
};

/** A uuid comes joined from many pieces, which V8 keeps until it is read: eight times its memory. A poll that is held keeps one. */
function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
