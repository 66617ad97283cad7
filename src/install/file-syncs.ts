import { constants } from 'node:fs';
import { installFault } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';

/** Makes files durable while the next ones are copied: the disk writes the one as the processor fills the other. */
export interface FileSyncs extends AsyncDisposable {
  /** Waits only if too many are under way. @throws SlipwayError INSTALL_… for what the disk refused of this file or of one before */
  begin(path: string): Promise<void>;
  /** @throws SlipwayError INSTALL_… for what the disk refused */
  allDone(): Promise<void>;
}

/** Each is a file that is open. */
const MOST_UNDER_WAY = 16;

export function createFileSyncs(fs: InstallFs): FileSyncs {
  /** Each becomes what the disk refused. One that was rejected before anybody looked would end the process. */
  const underWay: Promise<unknown>[] = [];
  const checkUntil = async (left: number) => {
    while (underWay.length > left) {
      const fault = await underWay.shift();
      if (fault !== null) throw fault;
    }
  };
  return {
    async begin(path) {
      underWay.push(
        syncFile(fs, path).then(
          () => null,
          (cause: unknown) => installFault(cause, `could not write ${path}`),
        ),
      );
      await checkUntil(MOST_UNDER_WAY);
    },
    allDone: () => checkUntil(0),
    async [Symbol.asyncDispose]() {
      await Promise.all(underWay);
    },
  };
}

async function syncFile(fs: InstallFs, path: string): Promise<void> {
  const file = fs.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    fs.fsync(file, (error) => (error === null ? resolve() : reject(error)));
    await promise;
  } finally {
    fs.closeSync(file);
  }
}
