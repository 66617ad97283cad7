/** Damage to inputs. Pure: all chance comes from the outside, so a seed gives the same damage again. */
import { gunzipSync, gzipSync } from 'node:zlib';
import type { SeededRandom } from '../support/random.ts';
import type { HostileCase } from './case-runner.ts';

const BLOCK = 512;
const MAX_BYTES = 256 * 1024;

const WORDS = [
  ...['../', '/', '..', './', '\0', '\n', ' ', '-1', '0', '=', ',', '/etc/passwd', '../beside/sentinel', '\u00ff'],
  ...['99999999999', '18446744073709551615', '9007199254740993', '4294967295', '65535', '1e9', '00000000000'],
  ...['path=', 'linkpath=', 'size=', 'mtime=', 'uid=', 'GNU.sparse.map=', 'GNU.sparse.major=1', 'GNU.sparse.offset='],
  ...[
    '&a ',
    '*a',
    '!!binary ',
    '!tag ',
    '[',
    '{',
    '}',
    ']',
    '- ',
    '\t',
    '? ',
    ': ',
    '<<: *hook',
    '__proto__: ',
    '|\n',
    '>\n',
  ],
  ...['"', "'", '%YAML 9.9\n', '---\n', '...\n', '#', '\ufeff', '~', '.inf', '.nan', '0o7', '1:30', 'constructor: '],
] as unknown as readonly [string, ...string[]];

/** Fields of a tar header that hold numbers: place and length. Those behind 345 are GNU's. */
const TAR_NUMBERS = [
  ...[
    [100, 8],
    [108, 8],
    [116, 8],
    [124, 12],
    [124, 12],
    [136, 12],
    [148, 8],
    [329, 8],
  ],
  ...[
    [386, 12],
    [398, 12],
    [410, 12],
    [422, 12],
    [482, 1],
    [483, 12],
  ],
] as unknown as readonly [readonly [number, number], ...(readonly [number, number])[]];
const TAR_TYPES = '01234567DKLMNSVXgx\0Z';
const ZIP_MARKS = ['PK\u0001\u0002', 'PK\u0003\u0004', 'PK\u0005\u0006', 'PK\u0006\u0006', 'PK\u0006\u0007'] as const;

/** @param other another input, which parts may come from */
export function damaged(seed: HostileCase, other: HostileCase, random: SeededRandom): HostileCase {
  const keepOwnership = random.chance(0.2);
  // What is compressed is mostly damaged inside, or nothing but the checksum of the whole would ever be tried.
  const isUnpacked = seed.kind === 'tgz' && random.chance(0.7);
  let bytes: Buffer = isUnpacked ? gunzipSync(seed.bytes) : Buffer.from(seed.bytes);
  for (let times = random.integer(1, 4); times > 0; times -= 1) bytes = damageOnce(bytes, seed.kind, other, random);
  const isTar = seed.kind === 'tar' || isUnpacked;
  if (isTar && random.chance(0.6)) correctChecksums(bytes);
  return { kind: seed.kind, keepOwnership, bytes: isUnpacked ? gzipSync(bytes, { level: 1 }) : bytes };
}

function damageOnce(bytes: Buffer, kind: HostileCase['kind'], other: HostileCase, random: SeededRandom): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.integer(0, bytes.length - 1);
  const hasFields = kind !== 'appspec';
  switch (random.integer(0, hasFields ? 11 : 5)) {
    case 0:
      for (let n = random.integer(1, 8); n > 0; n -= 1) {
        const place = random.integer(0, bytes.length - 1);
        bytes[place] = (bytes[place] ?? 0) ^ (1 << random.integer(0, 7));
      }
      return bytes;
    case 1:
      return bytes.subarray(0, at);
    case 2: {
      const from = random.integer(0, other.bytes.length);
      const part = Buffer.from(other.bytes).subarray(from, from + random.integer(1, 2048));
      return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
    }
    case 3: {
      const word = Buffer.from(random.pick(WORDS));
      const taken = random.chance(0.5) ? word.length : 0;
      return Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at + taken)]);
    }
    case 4:
      return repeatPart(bytes, random);
    case 5: {
      const end = Math.min(bytes.length, at + random.integer(1, 1024));
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
    }
    default:
      if (kind === 'zip') editZipField(bytes, random);
      else editTarField(bytes, random);
      return bytes;
  }
}

/** In blocks when it can be, so that what follows stays where a reader looks for it. */
function repeatPart(bytes: Buffer, random: SeededRandom): Buffer {
  const unit = bytes.length > 2 * BLOCK && random.chance(0.8) ? BLOCK : 1;
  const at = random.integer(0, Math.floor((bytes.length - 1) / unit)) * unit;
  const part = bytes.subarray(at, at + unit * random.integer(1, 8));
  const times = random.chance(0.1) ? random.integer(1, 400) : 1;
  const room = Math.max(1, Math.floor((MAX_BYTES - bytes.length) / Math.max(1, part.length)));
  const copies = Array.from({ length: Math.min(times, room) }, () => part);
  return Buffer.concat([bytes.subarray(0, at), ...copies, bytes.subarray(at)]);
}

function editTarField(bytes: Buffer, random: SeededRandom): void {
  const headers = Array.from({ length: Math.floor(bytes.length / BLOCK) }, (_, n) => n * BLOCK).filter((at) => {
    return looksLikeHeader(bytes, at);
  });
  const [first = 0, ...rest] = headers;
  if (headers.length === 0) return;
  const block = bytes.subarray(random.pick([first, ...rest])).subarray(0, BLOCK);
  switch (random.integer(0, 3)) {
    case 0:
      block[156] = TAR_TYPES.charCodeAt(random.integer(0, TAR_TYPES.length - 1));
      return;
    case 1:
      block.write(random.pick(WORDS), random.pick([0, 0, 157, 345, 257]), 'latin1');
      return;
    default: {
      const [at, length] = random.pick(TAR_NUMBERS);
      numberText(length, random).copy(block, at, 0, length);
    }
  }
}

/** Octal, base 256 of either sign, or what is no number. */
function numberText(length: number, random: SeededRandom): Buffer {
  const text = Buffer.alloc(length);
  switch (random.integer(0, 4)) {
    case 0:
      for (let n = 0; n < length; n += 1) text[n] = random.integer(0, 255);
      text[0] = random.pick([0x80, 0xff]);
      return text;
    case 1:
      text[0] = 0x80;
      text[length - random.integer(1, Math.min(7, length))] = random.integer(1, 255);
      return text;
    case 2:
      return Buffer.alloc(length, random.pick(['7', '0', ' ', '-', '\0', '9']));
    default:
      text.write(
        random
          .integer(0, random.pick([1, 512, 5000, 2 ** 31]))
          .toString(8)
          .padStart(length - 1, '0'),
      );
      return text;
  }
}

function editZipField(bytes: Buffer, random: SeededRandom): void {
  const mark = Buffer.from(random.pick(ZIP_MARKS), 'latin1');
  const places: number[] = [];
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) places.push(at);
  const [first, ...rest] = places;
  if (first === undefined) return;
  const at = random.pick([first, ...rest]) + 4 + 2 * random.integer(0, 24);
  if (at + 8 > bytes.length) return;
  const near = bytes.readUInt16LE(at) + random.integer(-2, 2);
  const value = random.pick([0, 1, 8, 0xffff, 0xfffe, near & 0xffff, random.integer(0, 0xffff)]);
  bytes.writeUInt16LE(value, at);
  if (random.chance(0.4)) bytes.writeUInt16LE(random.pick([0, 0xffff, 1]), at + 2);
}

function looksLikeHeader(bytes: Buffer, at: number): boolean {
  const isMagic = bytes.toString('latin1', at + 257, at + 262) === 'ustar';
  return isMagic || /^[ 0-7]{6,7}[\0 ]/.test(bytes.toString('latin1', at + 148, at + 156));
}

function correctChecksums(bytes: Buffer): void {
  for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK)
    if (looksLikeHeader(bytes, at)) writeTarChecksum(bytes.subarray(at, at + BLOCK));
}

/** Puts the right checksum into a header block. */
export function writeTarChecksum(block: Buffer): void {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
}
