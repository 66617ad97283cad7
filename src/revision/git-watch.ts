/**
 * The watch over a git command: bytes that arrive on disk are its progress, and whatever a server says is not. Git hands on a packet of its
 * protocol as a whole, so that up to 64 KiB have come when none is on disk.
 */
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemErrorCode } from '../errors.ts';
import { GitFailed } from './git-faults.ts';
import type { Pace } from './pace.ts';

/** File or folder that a command fills, and the listener for its size. */
export interface Filling {
  /** A file or a folder; it may come later. */
  readonly path: string;
  /** @param bytes that are there; what it throws ends the command */
  onSize(bytes: number): void;
}

export interface GitWatch {
  /** Somebody said something: there is a connection. */
  heard(): void;
  /** Git works on what has come: this time is not the server's. */
  working(): void;
  /** Looks at what is there, once more. */
  look(): void;
  stop(): void;
}

const LOOK_MS = 250;
/** A look at many small files takes its time: between two of them so many times as much passes. */
const LOOK_SHARE = 20;

/**
 * @param rules.filling null: the command fills nothing
 * @param rules.pace of the source that the command talks with; null: it talks with none
 * @param rules.silenceMs how long neither bytes nor words may come; null: git has a limit of its own
 * @param giveUp is told why the command has to end
 */
export function watchGit(
  rules: { readonly filling: Filling | null; readonly pace: Pace | null; readonly silenceMs: number | null },
  giveUp: (why: unknown) => void,
): GitWatch {
  const { filling, pace, silenceMs } = rules;
  let size = filling === null ? 0 : sizeOf(filling.path);
  let silence = silenceMs === null ? undefined : setTimeout(() => giveUp(silent(silenceMs)), silenceMs);
  const unwatch = pace?.watch(giveUp);
  let next: NodeJS.Timeout | undefined;
  const look = () => {
    if (filling === null) return;
    const now = sizeOf(filling.path);
    if (now > size) {
      pace?.add(now - size);
      silence?.refresh();
    }
    size = now;
    try {
      filling.onSize(now);
    } catch (why) {
      giveUp(why);
    }
  };
  const lookAgain = () => {
    const startedMs = performance.now();
    look();
    next = setTimeout(lookAgain, Math.max(LOOK_MS, (performance.now() - startedMs) * LOOK_SHARE));
  };
  if (filling !== null) next = setTimeout(lookAgain, LOOK_MS);
  return {
    heard: () => void silence?.refresh(),
    working() {
      pace?.restart();
      clearTimeout(silence);
      silence = undefined;
    },
    look,
    stop() {
      clearTimeout(next);
      clearTimeout(silence);
      unwatch?.();
    },
  };
}

function silent(silenceMs: number): GitFailed {
  const words = `nothing came for ${silenceMs / 1000} seconds`;
  return new GitFailed(words, words);
}

/** @returns bytes of a file, or of all files in a folder; what is not there, or goes meanwhile, has none */
function sizeOf(path: string): number {
  try {
    const stats = lstatSync(path);
    if (!stats.isDirectory()) return stats.size;
    return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return 0;
    throw error;
  }
}
