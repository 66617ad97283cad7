/** Lists a tar archive, compressed or not, from its beginning on. For display alone: `archive/` has the reader that hosts trust. */

import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { crc32, createGunzip } from 'node:zlib';
import { Parser, type ReadEntry } from 'tar';
import type { RevisionFileRecord } from '../../../protocol/management/shapes.ts';
import { type Findings, modeText } from './findings.ts';
import { type LookTask, type ReadRange, StoppedLook } from './messages.ts';

const WINDOW_BYTES = 1024 * 1024;
const GZIP = [0x1f, 0x8b];

const KINDS: Readonly<Record<string, RevisionFileRecord['kind']>> = {
  File: 'file',
  OldFile: 'file',
  ContiguousFile: 'file',
  Directory: 'directory',
  SymbolicLink: 'symlink',
  Link: 'hardlink',
};

/** @throws StoppedLook, or the fault of what is no archive */
export async function listTar(task: LookTask, read: ReadRange, findings: Findings): Promise<void> {
  const { maxAppSpecBytes, maxUnpackedBytes, maxMs } = task.limits;
  const endMs = performance.now() + maxMs;
  const beginning = await read(0, GZIP.length);
  const isGzip = GZIP.every((byte, at) => beginning[at] === byte);
  let stop: Error | null = null;
  const parser = new Parser({
    strict: true,
    onReadEntry(entry) {
      take(entry, findings, maxAppSpecBytes, (error) => {
        stop ??= error;
      });
    },
  });
  parser.on('error', (error: Error) => {
    stop ??= error;
  });
  let unpacked = 0;
  const toParser = new Writable({
    write(chunk: Buffer, _encoding, done) {
      unpacked += chunk.length;
      if (unpacked > maxUnpackedBytes) stop ??= new StoppedLook(`its first ${maxUnpackedBytes} bytes were read`);
      if (performance.now() > endMs) stop ??= new StoppedLook(`it was read for ${maxMs / 1000} seconds`);
      if (stop !== null) return done(stop);
      if (parser.write(chunk)) return done(stop);
      parser.once('drain', () => done(stop));
    },
    final(done) {
      parser.once('end', () => done(stop));
      parser.end();
    },
  });
  const content = Readable.from(windows(task.sizeBytes, read), { objectMode: false });
  if (isGzip) await pipeline(content, createGunzip(), toParser);
  else await pipeline(content, toParser);
}

async function* windows(sizeBytes: number, read: ReadRange): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < sizeBytes; from += WINDOW_BYTES)
    yield await read(from, Math.min(from + WINDOW_BYTES, sizeBytes));
}

function take(entry: ReadEntry, findings: Findings, maxAppSpecBytes: number, fail: (error: Error) => void): void {
  const { path, type, size, mode, linkpath } = entry;
  const kind = KINDS[type] ?? 'other';
  let setSum: (crc32: number) => void;
  try {
    // Before its content comes: that may be longer than what is read.
    setSum = findings.add({
      ...{ path, kind, sizeBytes: size },
      ...(mode === undefined ? {} : { mode: modeText(mode) }),
      ...(linkpath ? { linkTarget: linkpath } : {}),
    });
  } catch (error) {
    fail(error as Error);
    entry.resume();
    return;
  }
  if (kind !== 'file') {
    entry.resume();
    return;
  }
  const wanted = findings.wantsText(path);
  const kept: Uint8Array[] = [];
  let [sum, keptBytes] = [0, 0];
  entry.on('data', (chunk: Buffer) => {
    sum = crc32(chunk, sum);
    if (!wanted || keptBytes > maxAppSpecBytes) return;
    kept.push(chunk);
    keptBytes += chunk.length;
  });
  entry.on('end', () => {
    setSum(sum);
    if (wanted) findings.addText(path, Buffer.concat(kept), keptBytes <= maxAppSpecBytes);
  });
}
