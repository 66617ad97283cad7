/** Collects what a look finds, within the limits. */
import type { RevisionFileRecord } from '../../../protocol/management/shapes.ts';
import { type AppSpecText, type BundleList, type LookLimits, StoppedLook } from './messages.ts';

/** More of a name is not shown; characters. */
const MAX_PATH = 1_024;
const APPSPEC = /^(?:\.\/)?(?:[^/]+\/)?appspec\.(?:ya?ml|json)$/;
/** Folders around a bundle may each have one; the outermost counts. */
const MAX_CANDIDATES = 8;

type Mutable<Record> = { -readonly [Name in keyof Record]: Record[Name] };

export interface Findings {
  /** @returns takes the sum of the file's content, once that is known @throws StoppedLook when there are as many as are listed */
  add(file: RevisionFileRecord): (crc32: number) => void;
  /** Whether a file may be the AppSpec file, and its text is wanted. */
  wantsText(path: string): boolean;
  addText(path: string, content: Uint8Array, isComplete: boolean): void;
  stop(why: string): void;
  list(): BundleList;
}

export function createFindings({ maxEntries, maxAppSpecBytes }: LookLimits): Findings {
  const files: RevisionFileRecord[] = [];
  const texts: AppSpecText[] = [];
  let stoppedBecause: string | null = null;
  return {
    add(file) {
      if (files.length >= maxEntries) throw new StoppedLook(`it has more than ${maxEntries} entries`);
      const { linkTarget } = file;
      const kept: Mutable<RevisionFileRecord> = {
        ...file,
        path: shownPath(file.path),
        ...(linkTarget === undefined ? {} : { linkTarget: shown(linkTarget) }),
      };
      files.push(kept);
      return (crc32) => {
        kept.crc32 = sumText(crc32);
      };
    },
    wantsText: (path) => APPSPEC.test(path) && texts.length < MAX_CANDIDATES,
    addText(path, content, isComplete) {
      const kept = content.subarray(0, maxAppSpecBytes);
      const text = new TextDecoder().decode(kept);
      texts.push({ path: shownPath(path), text, isComplete: isComplete && kept.length === content.length });
    },
    stop(why) {
      stoppedBecause ??= why;
    },
    list() {
      const [appSpec = null] = texts.toSorted((one, other) => depth(one.path) - depth(other.path));
      return { files, appSpec, stoppedBecause };
    },
  };
}

function depth(path: string): number {
  return path.split('/').length;
}

/** Some packers begin each path with `./`, which says nothing. */
function shownPath(path: string): string {
  return shown(path.replace(/^(?:\.\/)+(?=.)/, ''));
}

function shown(name: string): string {
  return name.length > MAX_PATH ? `${name.slice(0, MAX_PATH)}…` : name;
}

/** `0755`. */
export function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/** Eight hexadecimal digits. */
export function sumText(crc32: number): string {
  return (crc32 >>> 0).toString(16).padStart(8, '0');
}
