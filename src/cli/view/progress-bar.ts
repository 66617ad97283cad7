import { type OnProgress, renderProgress } from '../../revision/progress.ts';
import type { Clock } from '../../system/clock.ts';
import type { Output } from '../output.ts';
import { CLEAR_LINE } from '../own-text.ts';

/** How often a terminal is painted, and how often a line is written where there is none. */
const PAINT_MS = 100;
const LINE_MS = 5_000;
const BAR_WIDTH = 24;

export interface ProgressBar {
  readonly update: OnProgress;
  /** Takes it off the terminal, so that the next line has the place. */
  clear(): void;
}

/** A download as a person sees it: a bar that moves on a terminal, a line now and then in a file. */
export function createProgressBar(stdout: Output, clock: Pick<Clock, 'now'>): ProgressBar {
  const everyMs = stdout.isTerminal ? PAINT_MS : LINE_MS;
  let nextMs = clock.now() + everyMs;
  let isPainted = false;
  return {
    update(progress) {
      if (clock.now() < nextMs) return;
      nextMs = clock.now() + everyMs;
      const text = renderProgress(progress);
      if (!stdout.isTerminal) {
        stdout.write(`  downloading: ${text}\n`);
        return;
      }
      stdout.writeOwn(CLEAR_LINE);
      stdout.write(`  ${renderBar(progress)}${text}`);
      isPainted = true;
    },
    clear() {
      if (isPainted) stdout.writeOwn(CLEAR_LINE);
      isPainted = false;
    },
  };
}

/** `[######------] `; nothing where nobody knows how much is to come. Pure. */
export function renderBar({ receivedBytes, totalBytes }: Parameters<OnProgress>[0]): string {
  if (totalBytes === null) return '';
  const share = totalBytes === 0 ? 1 : Math.min(1, receivedBytes / totalBytes);
  const full = Math.floor(share * BAR_WIDTH);
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}] `;
}
