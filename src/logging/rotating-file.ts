import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log file that grows to a limit and then makes room: `name` → `name.1` → … → `name.7`. */
export interface RotatingFile {
  append(text: string): void;
  close(): void;
}

/** Size of a log file in bytes, and number of files, as in the official agent 2.x. */
export const LOG_FILE_BYTES = 64 * 1024 * 1024;
export const LOG_FILES = 8;

export interface RotatingFileLimits {
  readonly maxBytes: number;
  readonly files: number;
  /** Mode of a new file; 0644 by default. */
  readonly mode?: number;
  /** Mode of a new folder for it; 0755 by default. */
  readonly folderMode?: number;
}

/**
 * Opens a log file for appending. A file that cannot be written must not fail the deployment whose words it keeps: `onFault` is told
 * once, and what follows is dropped.
 */
export function openRotatingFile(
  path: string,
  onFault: (error: unknown) => void,
  limits: RotatingFileLimits = { maxBytes: LOG_FILE_BYTES, files: LOG_FILES },
): RotatingFile {
  let file: number | null = null;
  let bytes = 0;
  let failed = false;

  const guarded = (work: () => void) => {
    if (failed) return;
    try {
      work();
    } catch (error) {
      failed = true;
      onFault(error);
    }
  };
  const open = () => {
    mkdirSync(dirname(path), { recursive: true, mode: limits.folderMode ?? 0o755 });
    file = openSync(path, 'a', limits.mode ?? 0o644);
    bytes = fstatSync(file).size;
  };
  const rotate = () => {
    if (file !== null) closeSync(file);
    file = null;
    rmSync(`${path}.${limits.files - 1}`, { force: true });
    for (let n = limits.files - 2; n >= 1; n -= 1) renameIfThere(`${path}.${n}`, `${path}.${n + 1}`);
    renameIfThere(path, `${path}.1`);
    open();
  };

  guarded(open);
  return {
    append: (text) =>
      guarded(() => {
        const content = Buffer.from(text);
        if (bytes > 0 && bytes + content.length > limits.maxBytes) rotate();
        if (file !== null) writeSync(file, content);
        bytes += content.length;
      }),
    close() {
      if (file !== null) closeSync(file);
      file = null;
      failed = true;
    },
  };
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
