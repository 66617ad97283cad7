/** Times and durations in words. Pure. */

/** @param seconds since the epoch @param zone null: the reader's */
export function timeText(seconds: number, zone: string | null): string {
  const options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'medium' };
  const format = new Intl.DateTimeFormat('en-GB', { ...options, ...(zone === null ? {} : { timeZone: zone }) });
  return `${format.format(new Date(seconds * 1000))}${zone === null ? '' : ` ${zone}`}`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `1 h 5 min`: the two largest units; `1.4 s` below ten seconds. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 || (unit === 's' && parts.length === 0)) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(' ');
}
