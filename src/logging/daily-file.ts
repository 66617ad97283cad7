import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** A log file of one day: `NAME.log` is today's, `NAME.YYYYMMDD.log` an earlier one's. */
export interface DailyFile {
  /** Never throws: a line that cannot be written is lost, and the next one is tried again. */
  append(text: string): void;
  close(): void;
}

/** Earlier days that are kept. @see the official agent 1.8.1, `instance_agent/log.rb` */
const KEPT_DAYS = 7;

/**
 * Opens a log that begins a new file at the first line after midnight, local time. Lines are written at once: a daemon that is killed has
 * said what it said.
 *
 * @param options.isPrivate the folder 0750 and the file 0640, else 0755 and 0644
 * @throws when folder or file cannot be made or opened
 */
export function openDailyFile(options: {
  readonly folder: string;
  readonly name: string;
  readonly isPrivate: boolean;
  readonly now: () => number;
}): DailyFile {
  const { folder, name, isPrivate, now } = options;
  const path = join(folder, `${name}.log`);
  mkdirSync(folder, { recursive: true, mode: isPrivate ? 0o750 : 0o755 });
  let file: number | null = null;
  let day = '';

  const open = () => {
    file = openSync(path, 'a', isPrivate ? 0o640 : 0o644);
    const { size, mtimeMs } = fstatSync(file);
    day = dayOf(size > 0 ? mtimeMs : now());
  };
  const close = () => {
    if (file !== null) closeSync(file);
    file = null;
  };
  const rotate = () => {
    close();
    if (existsSync(path)) renameSync(path, unusedName(folder, `${name}.${day}`));
    prune(folder, name);
  };

  open();
  return {
    append(text) {
      try {
        if (day !== dayOf(now())) rotate();
        if (file === null) open();
        if (file !== null) writeSync(file, text);
      } catch {
        // The same words go to standard error; a full disk is no reason to stop deploying.
      }
    },
    close,
  };
}

function dayOf(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${time.getFullYear()}${two(time.getMonth() + 1)}${two(time.getDate())}`;
}

/** A clock that was set back can bring the same day twice; neither takes the other's lines away. */
function unusedName(folder: string, stem: string): string {
  for (let n = 0; ; n += 1) {
    const path = join(folder, n === 0 ? `${stem}.log` : `${stem}.${n}.log`);
    if (!existsSync(path)) return path;
  }
}

function prune(folder: string, name: string): void {
  const earlier = readdirSync(folder)
    .filter((entry) => entry.startsWith(`${name}.`) && /^\.\d{8}(\.\d+)?\.log$/.test(entry.slice(name.length)))
    .sort();
  for (const entry of earlier.slice(0, -KEPT_DAYS)) rmSync(join(folder, entry), { force: true });
}
