import type { Clock } from '../system/clock.ts';

/** How far a download is. */
export interface DownloadProgress {
  readonly receivedBytes: number;
  /** null: the source does not say. */
  readonly totalBytes: number | null;
  /** Over the last seconds. */
  readonly bytesPerSecond: number;
}

export type OnProgress = (progress: DownloadProgress) => void;

export interface ProgressMeter {
  /** @param bytes that came just now */
  add(bytes: number): void;
  /** Begins with the bytes of an earlier download, which do not count towards the speed. */
  begin(receivedBytes: number, totalBytes: number | null): void;
}

/** The rate is a mean over about this long: long enough not to jump, short enough to show a stall. */
const WINDOW_MS = 5_000;

export function createProgressMeter(clock: Pick<Clock, 'now'>, onProgress: OnProgress | undefined): ProgressMeter {
  let receivedBytes = 0;
  let totalBytes: number | null = null;
  let windows: { readonly atMs: number; readonly bytes: number }[] = [];
  return {
    begin(received, total) {
      receivedBytes = received;
      totalBytes = total;
      windows = [{ atMs: clock.now(), bytes: received }];
    },
    add(bytes) {
      receivedBytes += bytes;
      if (onProgress === undefined) return;
      const nowMs = clock.now();
      const last = windows.at(-1);
      if (last === undefined || nowMs - last.atMs >= WINDOW_MS / 10)
        windows.push({ atMs: nowMs, bytes: receivedBytes });
      while (windows.length > 1 && nowMs - (windows[0]?.atMs ?? 0) > WINDOW_MS) windows.shift();
      const first = windows[0] ?? { atMs: nowMs, bytes: receivedBytes };
      const elapsedMs = Math.max(1, nowMs - first.atMs);
      onProgress({ receivedBytes, totalBytes, bytesPerSecond: ((receivedBytes - first.bytes) * 1000) / elapsedMs });
    },
  };
}

/** `12.3 MB of 1.07 GB (1 %), 4.5 MB/s` */
export function renderProgress({ receivedBytes, totalBytes, bytesPerSecond }: DownloadProgress): string {
  const rate = `${renderBytes(bytesPerSecond)}/s`;
  if (totalBytes === null) return `${renderBytes(receivedBytes)}, ${rate}`;
  const percent = totalBytes === 0 ? 100 : Math.floor((receivedBytes * 100) / totalBytes);
  return `${renderBytes(receivedBytes)} of ${renderBytes(totalBytes)} (${percent} %), ${rate}`;
}

/** Decimal units, as operators' tools for networks and disks have them: `999 B`, `1.5 kB`, `12.3 GB`. */
export function renderBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = Math.max(0, bytes);
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${unit === 0 || value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${units[unit]}`;
}
