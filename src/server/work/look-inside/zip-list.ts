/** Lists a zip archive from its central directory, by ranges. For display alone: `archive/` has the reader that hosts trust. */
import { Readable } from 'node:stream';
import { type CentralDirectory, type File, Open } from 'unzipper';
import type { RevisionFileRecord } from '../../../protocol/management/shapes.ts';
import { type Findings, modeText, sumText } from './findings.ts';
import { type LookTask, type ReadRange, StoppedLook } from './messages.ts';
import { findDirectoryEnd } from './zip-end.ts';

const WINDOW_BYTES = 256 * 1024;
const ENTRY_MARK = 0x02014b50;
/** Systems whose archives have Unix modes. */
const UNIX = [3, 19];
const TYPE_BITS = 0o170000;
const SYMLINK = 0o120000;
const DIRECTORY = 0o040000;
/** The targets of more links are not read: each is a question to the store. */
const MAX_LINKS = 100;
const MAX_TARGET_BYTES = 4_096;

type Entry = File & { readonly signature?: number; readonly versionMadeBy?: number };

/** @throws StoppedLook, or the fault of what is no archive */
export async function listZip({ sizeBytes, limits }: LookTask, read: ReadRange, findings: Findings): Promise<void> {
  const end = await findDirectoryEnd(sizeBytes, read, limits.maxEntries);
  const fault: { first: Error | null } = { first: null };
  const source = {
    size: async () => sizeBytes,
    // An error of a stream that nobody listens to would end the thread. The stream ends instead, and the fault is kept.
    stream: (from: number, length?: number) =>
      Readable.from(
        windows(
          from,
          length === undefined ? sizeBytes : Math.min(sizeBytes, from + length + 1),
          end.patched(read),
          fault,
        ),
        { objectMode: false },
      ),
  };
  // Its types lack the options.
  const open = Open.custom as (from: object, options: { readonly tailSize: number }) => Promise<CentralDirectory>;
  const directory = await open(source, { tailSize: sizeBytes - end.offset }).catch((error: unknown) => {
    throw fault.first ?? error;
  });
  let links = 0;
  for (const entry of directory.files as Entry[]) {
    if (entry.signature !== undefined && entry.signature !== ENTRY_MARK) throw new Error('its directory is damaged');
    const record = recordOf(entry);
    if (record.kind !== 'symlink' || links >= MAX_LINKS) findings.add(record);
    else {
      links += 1;
      const target = await contentOf(entry, MAX_TARGET_BYTES);
      findings.add(target === null ? record : { ...record, linkTarget: target.content.toString('utf8') });
    }
  }
  for (const entry of directory.files.filter(({ path }) => findings.wantsText(path))) {
    const text = await contentOf(entry, limits.maxAppSpecBytes);
    if (text !== null) findings.addText(entry.path, text.content, text.isComplete);
  }
  if (end.hasMore) throw new StoppedLook(`it has more than ${limits.maxEntries} entries`);
}

function recordOf(entry: Entry): RevisionFileRecord {
  const { path, uncompressedSize, externalFileAttributes, crc32, versionMadeBy = 0 } = entry;
  const mode = UNIX.includes(versionMadeBy >> 8) ? externalFileAttributes >>> 16 : 0;
  const type = mode & TYPE_BITS;
  const kind = type === SYMLINK ? 'symlink' : path.endsWith('/') || type === DIRECTORY ? 'directory' : 'file';
  return {
    ...{ path, kind, sizeBytes: uncompressedSize },
    ...(mode === 0 ? {} : { mode: modeText(mode) }),
    ...(kind === 'file' ? { crc32: sumText(crc32) } : {}),
  };
}

/** @returns null: it cannot be read, because it is encrypted or damaged */
async function contentOf(entry: File, maxBytes: number): Promise<{ content: Buffer; isComplete: boolean } | null> {
  const stream = entry.stream();
  const parts: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve) => {
    const end = (isComplete: boolean) => resolve({ content: Buffer.concat(parts), isComplete });
    stream.on('error', () => resolve(null));
    stream.on('data', (part: Buffer) => {
      parts.push(part.subarray(0, maxBytes - bytes));
      bytes += part.length;
      if (bytes <= maxBytes) return;
      stream.pause();
      end(false);
    });
    stream.on('end', () => end(true));
  });
}

async function* windows(from: number, to: number, read: ReadRange, fault: { first: Error | null }) {
  try {
    for (let at = from; at < to; at += WINDOW_BYTES) yield await read(at, Math.min(at + WINDOW_BYTES, to));
  } catch (error) {
    fault.first ??= error as Error;
  }
}
