/**
 * The file of a backup. A line names the format. Then each entry follows as a line of JSON and its bytes. At the end stands the SHA-256 of
 * all before. A file that was cut off has no end, and nothing of it is used.
 */
import { createHash, type Hash } from 'node:crypto';
import { readSync, writeSync } from 'node:fs';
import { SlipwayError } from '../../errors.ts';

const FIRST_LINE = 'slipway-backup 1\n';
const PIECE_BYTES = 1024 * 1024;
/** Longer is no line of a backup: a path has at most some thousand bytes. */
const MAX_LINE_BYTES = 64 * 1024;

export interface BackupEntry {
  /** Below the data folder, with slashes. */
  readonly path: string;
  readonly sizeBytes: number;
}

export interface BackupWriter {
  /** @param readPiece fills a buffer from the beginning, and says how much; 0: there is no more */
  add(entry: BackupEntry, readPiece: (buffer: Buffer) => number): void;
  end(): void;
}

/** @param fd of an empty file */
export function createBackupWriter(fd: number): BackupWriter {
  const hash = createHash('sha256');
  const write = (bytes: Buffer) => {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
    hash.update(bytes);
  };
  const writeLine = (value: object) => write(Buffer.from(`${JSON.stringify(value)}\n`));
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  write(Buffer.from(FIRST_LINE));
  return {
    add(entry, readPiece) {
      writeLine(entry);
      for (let left = entry.sizeBytes; left > 0; ) {
        const got = readPiece(buffer.subarray(0, Math.min(left, buffer.length)));
        if (got === 0) throw invalid(`${entry.path} became shorter while it was copied`);
        write(buffer.subarray(0, got));
        left -= got;
      }
    },
    end() {
      const last = Buffer.from(`${JSON.stringify({ sha256: hash.digest('hex') })}\n`);
      for (let done = 0; done < last.length; ) done += writeSync(fd, last, done);
    },
  };
}

/** Takes one entry: is given its bytes piece by piece. */
export type TakeEntry = (entry: BackupEntry) => { piece(bytes: Buffer): void; end(): void };

/**
 * Reads a backup from the beginning to its end.
 *
 * @param take is called for each entry. Its effects count only once this function has returned
 * @throws SlipwayError SERVER_BACKUP_INVALID when it is no backup, was cut off or was changed
 */
export function readBackup(fd: number, take: TakeEntry): void {
  const reader = createReader(fd);
  if (reader.line() !== FIRST_LINE.trim()) throw invalid('it does not begin like a backup of this version’s format');
  for (;;) {
    const sha256 = reader.sha256();
    const line = parseLine(reader.line());
    if (typeof line['sha256'] === 'string') {
      if (line['sha256'] !== sha256) throw invalid('its content is not what was written: the SHA-256 differs');
      if (!reader.isAtEnd()) throw invalid('something stands behind its end');
      return;
    }
    const { path, sizeBytes } = line;
    if (typeof path !== 'string' || !Number.isSafeInteger(sizeBytes) || Number(sizeBytes) < 0)
      throw invalid('an entry has no path or no size');
    if (!isInside(path)) throw invalid(`it has the entry ${JSON.stringify(path)}, which is no place of a data folder`);
    const taken = take({ path, sizeBytes: Number(sizeBytes) });
    for (let left = Number(sizeBytes); left > 0; ) {
      const piece = reader.bytes(left);
      taken.piece(piece);
      left -= piece.length;
    }
    taken.end();
  }
}

/** Whether a path is one that a data folder has, and does not lead out of it. */
function isInside(path: string): boolean {
  const [root = '', ...others] = path.split('/');
  const isKnown = others.length === 0 ? root !== 's3' : root === 's3';
  return isKnown && [root, ...others].every((name) => !['', '.', '..'].includes(name) && !name.includes('\0'));
}

function createReader(fd: number) {
  const hash: Hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(PIECE_BYTES);
  let [from, to] = [0, 0];
  const fill = (): boolean => {
    if (from < to) return true;
    [from, to] = [0, readSync(fd, buffer, 0, buffer.length, null)];
    return to > 0;
  };
  const bytes = (most: number): Buffer => {
    if (!fill()) throw invalid('it ends too early: the backup was cut off');
    const piece = buffer.subarray(from, Math.min(to, from + most));
    from += piece.length;
    hash.update(piece);
    return piece;
  };
  return {
    bytes,
    line(): string {
      const pieces: Buffer[] = [];
      for (let length = 0; length < MAX_LINE_BYTES; ) {
        const available = fill() ? buffer.subarray(from, to) : Buffer.alloc(0);
        const end = available.indexOf('\n');
        const piece = Buffer.from(bytes(end < 0 ? available.length : end + 1));
        pieces.push(piece);
        if (end >= 0) return Buffer.concat(pieces).toString('utf8').slice(0, -1);
        length += piece.length;
      }
      throw invalid('a line of it has no end');
    },
    /** Digest of all bytes read so far. */
    sha256: () => hash.copy().digest('hex'),
    isAtEnd: () => !fill(),
  };
}

function parseLine(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Said below.
  }
  throw invalid('an entry of it cannot be read');
}

export function invalid(why: string): SlipwayError {
  return new SlipwayError('SERVER_BACKUP_INVALID', `the backup cannot be used: ${why}`);
}
