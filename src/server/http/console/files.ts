/**
 * Files of the console, as the build has left them: `index.html`, and `assets/` with a hash in each name, each also compressed beside it.
 *
 * Only files that were there when the page was looked at are served, so no path leads out of the folder. A file is read once: all answers
 * share its bytes, however slowly they are taken.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { systemErrorCode } from '../../../errors.ts';
import { bestEncoding, type Encoding } from './encodings.ts';

export interface ConsoleFile {
  readonly bytes: Buffer;
  readonly type: string;
  readonly encoding: Encoding;
}

export interface ConsoleFiles {
  /** @returns null: the console is not built */
  page(acceptEncoding: string | undefined): Promise<ConsoleFile | null>;
  /** @param name of a file in `assets` @returns null: there is no such file */
  asset(name: string, acceptEncoding: string | undefined): Promise<ConsoleFile | null>;
}

const PAGE = 'index.html';
const ASSETS = 'assets';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const ENDINGS: readonly (readonly [Encoding, string])[] = [
  ['br', '.br'],
  ['gzip', '.gz'],
];

interface Build {
  /** When the page was written, by which a new build is known. */
  readonly writtenAtMs: number;
  /** Names below the folder. */
  readonly names: ReadonlySet<string>;
  /** Read so far. */
  readonly bytes: Map<string, Promise<Buffer>>;
}

/** @param folder that the build writes */
export function createConsoleFiles(folder: string): ConsoleFiles {
  let build: Build | null = null;

  const currentBuild = async (): Promise<Build | null> => {
    const writtenAtMs = await stat(join(folder, PAGE)).then(
      ({ mtimeMs }) => mtimeMs,
      (error: unknown) => (systemErrorCode(error) === 'ENOENT' ? null : Promise.reject(error)),
    );
    if (writtenAtMs === null) build = null;
    else if (build?.writtenAtMs !== writtenAtMs)
      build = { writtenAtMs, names: await namesIn(folder), bytes: new Map() };
    return build;
  };

  const read = async (
    { names, bytes }: Build,
    name: string,
    accept: string | undefined,
  ): Promise<ConsoleFile | null> => {
    const type = TYPES[extname(name)];
    if (type === undefined || !names.has(name)) return null;
    const compressed = ENDINGS.filter(([, ending]) => names.has(`${name}${ending}`));
    const encoding = bestEncoding(accept, new Set(compressed.map(([one]) => one)));
    const file = `${name}${compressed.find(([one]) => one === encoding)?.[1] ?? ''}`;
    const reading = bytes.get(file) ?? readFile(join(folder, file));
    bytes.set(file, reading);
    // A fault of the disk must not be remembered.
    reading.catch(() => bytes.delete(file));
    return { bytes: await reading, type, encoding };
  };

  return {
    async page(accept) {
      const current = await currentBuild();
      return current === null ? null : read(current, PAGE, accept);
    },
    async asset(name, accept) {
      const current = build ?? (await currentBuild());
      return current === null ? null : read(current, `${ASSETS}/${name}`, accept);
    },
  };
}

async function namesIn(folder: string): Promise<ReadonlySet<string>> {
  const assets = await readdir(join(folder, ASSETS));
  return new Set([...(await readdir(folder)), ...assets.map((name) => `${ASSETS}/${name}`)]);
}
