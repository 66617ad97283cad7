/** Writes that do not end halfway. */
import type { InstallFs } from './install-fs.ts';

export function writeAll(fs: InstallFs, file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += fs.writeSync(file, bytes, written, bytes.length - written);
}

/** Texts so long that system calls do not count. */
const TEXT_LENGTH = 64 * 1024;

/** Writes lines, each with its line break, as they come: none waits for the last. */
export function writeLines(fs: InstallFs, file: number, lines: Iterable<string>): void {
  let text = '';
  for (const line of lines) {
    text += line;
    if (text.length < TEXT_LENGTH) continue;
    writeAll(fs, file, Buffer.from(text));
    text = '';
  }
  writeAll(fs, file, Buffer.from(text));
}
