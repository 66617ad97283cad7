/**
 * SHA-256 and its HMAC (FIPS 180-4, RFC 2104). A browser offers them over HTTPS only, and the console also works without. Pure.
 */

/** The first 32 bits of the fractional parts of `roots` of the first primes. */
function fractions(count: number, root: (prime: number) => number): Uint32Array {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    const isPrime = !Array.from({ length: candidate - 2 }, (_, at) => at + 2).some(
      (factor) => candidate % factor === 0,
    );
    if (isPrime) found.push((root(candidate) % 1) * 2 ** 32);
  }
  return Uint32Array.from(found);
}

const START = fractions(8, Math.sqrt);
const ROUNDS = fractions(64, Math.cbrt);
const BLOCK = 64;

export function sha256(data: Uint8Array): Uint8Array {
  const state = START.slice();
  const padded = pad(data);
  for (let at = 0; at < padded.length; at += BLOCK) addBlock(state, new DataView(padded.buffer, at, BLOCK));
  const result = new Uint8Array(32);
  const view = new DataView(result.buffer);
  for (const [at, word] of state.entries()) view.setUint32(at * 4, word);
  return result;
}

export function hmacSha256(key: Uint8Array, data: Uint8Array): Uint8Array {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? sha256(key) : key);
  const inner = sha256(
    joined(
      block.map((byte) => byte ^ 0x36),
      data,
    ),
  );
  return sha256(
    joined(
      block.map((byte) => byte ^ 0x5c),
      inner,
    ),
  );
}

export function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** A one, zeros, and the length in bits, up to whole blocks. */
function pad(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / BLOCK) * BLOCK);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(padded.length - 4, data.length * 8);
  return padded;
}

function addBlock(state: Uint32Array, block: DataView): void {
  const words = new Uint32Array(64);
  for (let at = 0; at < 64; at += 1) words[at] = at < 16 ? block.getUint32(at * 4) : nextWord(words, at);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let at = 0; at < 64; at += 1) {
    const one = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const first = (h + one + ((e & f) ^ (~e & g)) + (ROUNDS[at] ?? 0) + (words[at] ?? 0)) >>> 0;
    const two = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const second = (two + ((a & b) ^ (a & c) ^ (b & c))) >>> 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) >>> 0, c, b, a, (first + second) >>> 0];
  }
  for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) state[at] = (state[at] ?? 0) + word;
}

function nextWord(words: Uint32Array, at: number): number {
  const [x, y] = [words[at - 15] ?? 0, words[at - 2] ?? 0];
  const low = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
  const high = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10);
  return (words[at - 16] ?? 0) + low + (words[at - 7] ?? 0) + high;
}

function turned(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}
