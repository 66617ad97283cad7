/** Writes what a server needs to come up again into one file, while it runs. */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { SlipwayError, systemErrorCode } from '../../errors.ts';
import { copyDatabase } from '../store/copy-database.ts';
import { databaseFileOf } from '../store/store.ts';
import { type BackupWriter, createBackupWriter } from './backup-file.ts';
import { storedFiles } from './stored-files.ts';

export interface BackupRequest {
  readonly dataDir: string;
  /** Open, empty, and readable by its owner alone: what is written into it opens every key of the server. */
  readonly fd: number;
  /** Whether the database is PostgreSQL, which has programs of its own for that. */
  readonly isDatabaseElsewhere: boolean;
  readonly withBundles: boolean;
  /** The text of the service's settings; null: there are none. */
  readonly settings: Buffer | null;
  readonly nowMs: number;
}

export interface BackedUp {
  readonly entries: number;
  readonly sizeBytes: number;
}

const COPY_FOLDER = '.backup-';
/** No backup takes so long: another one may be at work now. */
const LEFT_MS = 24 * 60 * 60_000;

/**
 * The database first: a bundle that it names is in the store by then, unless somebody deletes it.
 *
 * @throws SlipwayError SERVER_DATA_FOLDER, SERVER_DATABASE_UNREACHABLE
 */
export function backUp(request: BackupRequest): BackedUp {
  const { dataDir, fd, isDatabaseElsewhere, withBundles, settings, nowMs } = request;
  if (!existsSync(join(dataDir, 'master.key')) || (!isDatabaseElsewhere && !existsSync(databaseFileOf(dataDir)))) {
    throw new SlipwayError('SERVER_DATA_FOLDER', `${dataDir} is no data folder of a server that has run`, {
      remedy: 'Name the server’s data folder with --data-dir, and its PostgreSQL, if it has one, with --database.',
    });
  }
  const writer = createBackupWriter(fd);
  let entries = 0;
  const add = (path: string, file: string) => {
    if (addFile(writer, path, file)) entries += 1;
  };
  if (!isDatabaseElsewhere) withCopy(dataDir, nowMs, (copy) => add('slipway.db', copy));
  for (const name of ['master.key', 'signer-ca.pem']) add(name, join(dataDir, name));
  if (settings !== null) {
    addBytes(writer, 'server.env', settings);
    entries += 1;
  }
  if (withBundles) {
    for (const { path, content } of storedFiles(dataDir)) {
      if (content === null) add(path, join(dataDir, path));
      else {
        addBytes(writer, path, content);
        entries += 1;
      }
    }
  }
  writer.end();
  fsyncSync(fd);
  return { entries, sizeBytes: fstatSync(fd).size };
}

/** The copy is made in the data folder, which is for the server's user alone, and where there is room for a database. */
function withCopy(dataDir: string, nowMs: number, work: (copy: string) => void): void {
  removeLeftCopies(dataDir, nowMs);
  const folder = mkdtempSync(join(dataDir, COPY_FOLDER));
  try {
    const copy = join(folder, 'slipway.db');
    copyDatabase(dataDir, copy);
    work(copy);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A backup that was killed could not remove its copy, which may be as large as the database. */
function removeLeftCopies(dataDir: string, nowMs: number): void {
  for (const name of readdirSync(dataDir).filter((one) => one.startsWith(COPY_FOLDER))) {
    const folder = join(dataDir, name);
    const changedMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (nowMs - changedMs > LEFT_MS) rmSync(folder, { recursive: true, force: true });
  }
}

function addBytes(writer: BackupWriter, path: string, bytes: Buffer): void {
  let done = 0;
  writer.add({ path, sizeBytes: bytes.length }, (buffer) => {
    const copied = bytes.copy(buffer, 0, done);
    done += copied;
    return copied;
  });
}

/** @returns false: the file is not there, or not any more */
function addFile(writer: BackupWriter, path: string, file: string): boolean {
  let source: number;
  try {
    source = openSync(file, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
  try {
    // Files of the data folder are replaced as a whole, so that an open one stays what it is.
    writer.add({ path, sizeBytes: fstatSync(source).size }, (buffer) =>
      readSync(source, buffer, 0, buffer.length, null),
    );
    return true;
  } finally {
    closeSync(source);
  }
}
