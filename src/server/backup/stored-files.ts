/** The files of the revision store, in an order in which they can be copied while the server changes them. */
import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { SlipwayError } from '../../errors.ts';
import { ifThere, readIfThere } from '../s3/if-there.ts';

export interface StoredFile {
  /** Below the data folder, with slashes. */
  readonly path: string;
  /** Content when the file was listed; null: its content now, if it is still there. */
  readonly content: Buffer | null;
}

/** Folders of half-received content, which no client was told of. */
const PASSING: ReadonlySet<string> = new Set(['.incoming', '.uploads']);
const LATEST = 'latest';
/** Each look finds what came during the one before: so many changes of one key, one after the other, are no use of a store. */
const MAX_LOOKS = 1_000;

/** The caller must copy a file before it asks for the next one. */
export function* storedFiles(dataDir: string): Generator<StoredFile> {
  const isPassing = ({ name }: Dirent) => PASSING.has(name);
  for (const bucket of entriesOf(join(dataDir, 's3')).filter((entry) => entry.isDirectory() && !isPassing(entry))) {
    const below = `s3/${bucket.name}`;
    for (const { name } of entriesOf(join(dataDir, below))) yield* filesOfKey(dataDir, `${below}/${name}`);
  }
}

/**
 * A key's `latest` names a version: it comes last, as it was before a look that has found no file that is not copied. So the version is in the
 * copy, though others may come and go meanwhile.
 */
function* filesOfKey(dataDir: string, path: string): Generator<StoredFile> {
  const folder = join(dataDir, path);
  const seen = new Set([LATEST]);
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    const latest = readIfThere(join(folder, LATEST));
    const names = entriesOf(folder).flatMap((entry) => (entry.isFile() && !seen.has(entry.name) ? entry.name : []));
    for (const name of names) {
      seen.add(name);
      yield { path: `${path}/${name}`, content: null };
    }
    if (names.length > 0) continue;
    if (latest !== null) yield { path: `${path}/${LATEST}`, content: Buffer.from(latest) };
    return;
  }
  throw new SlipwayError('SERVER_DATA_FOLDER', `${folder} changes all the time and cannot be copied`, {
    remedy: 'Find out who writes one key again and again (`slipway audit --operation s3:PutObject`), and stop that.',
  });
}

function entriesOf(folder: string): readonly Dirent[] {
  return ifThere(() => readdirSync(folder, { withFileTypes: true })) ?? [];
}
