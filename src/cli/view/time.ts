/** Times for people. Pure. */

/** 850 → `0.8s`, 61 000 → `1m01s`, 3 700 000 → `1h01m`. */
export function renderDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${(Math.floor(seconds * 10) / 10).toFixed(1)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${pad(Math.floor(seconds % 60))}s`;
  return `${Math.floor(minutes / 60)}h${pad(minutes % 60)}m`;
}

/** Epoch seconds, as the API has times → `2026-01-31 14:05:09` in UTC; empty when there is none. */
export function renderTime(epochSeconds: number | undefined): string {
  if (epochSeconds === undefined) return '';
  return new Date(epochSeconds * 1000).toISOString().replace('T', ' ').slice(0, 19);
}

function pad(count: number): string {
  return String(count).padStart(2, '0');
}
