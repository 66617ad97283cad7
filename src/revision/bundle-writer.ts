import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { messageOf, SlipwayError, systemErrorCode } from '../errors.ts';

/**
 * A bundle file in the making: under another name, closed to other users, until it is whole. What is half written is never found under
 * the bundle's name.
 */
export interface BundleWriter {
  readonly bytes: number;
  write(chunk: Uint8Array): void;
  /** Puts the file in place. */
  finish(): void;
  /** Throws away what there is; harmless after `finish`. */
  discard(): void;
}

export function createBundleWriter(bundleFile: string): BundleWriter {
  const partial = `${bundleFile}.part`;
  const guard = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      const isFull = systemErrorCode(cause) === 'ENOSPC' || systemErrorCode(cause) === 'EDQUOT';
      throw new SlipwayError(
        isFull ? 'REVISION_DISK_FULL' : 'REVISION_CANNOT_WRITE',
        `the bundle cannot be written to ${bundleFile}: ${messageOf(cause)}`,
        { cause },
      );
    }
  };
  rmSync(partial, { force: true });
  let file: number | null = guard(() => openSync(partial, 'wx', 0o600));
  let bytes = 0;
  const close = () => {
    if (file !== null) closeSync(file);
    file = null;
  };
  return {
    get bytes() {
      return bytes;
    },
    write(chunk) {
      guard(() => {
        for (let written = 0; written < chunk.length; ) {
          if (file === null) throw new Error('the bundle is finished already');
          written += writeSync(file, chunk, written, chunk.length - written);
        }
      });
      bytes += chunk.length;
    },
    finish() {
      guard(() => {
        if (file !== null) fsyncSync(file);
        close();
        renameSync(partial, bundleFile);
      });
    },
    discard() {
      close();
      rmSync(partial, { force: true });
    },
  };
}
