/** What git writes while it fetches, over and over. @see `progress.c` of git */

/** `remote: ` comes before what the server's git writes. */
const PROGRESS = /^(remote: )?([A-Z][a-z]+ (objects|deltas): |Total \d+ \(delta )/;
const RECEIVED = /^Receiving objects: .*, (\d+(?:\.\d+)?) (bytes|KiB|MiB|GiB)/;
const UNITS: Readonly<Record<string, number>> = { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** How many bytes have come, by the last line that says so, to its two decimals; null: no line does. */
export function receivedBytesIn(output: string): number | null {
  const last = linesOf(output).findLast((line) => RECEIVED.test(line));
  const [, number, unit = ''] = RECEIVED.exec(last ?? '') ?? [];
  return number === undefined ? null : Math.round(Number(number) * (UNITS[unit] ?? 1));
}

/** What is left is what went wrong. */
export function withoutProgress(output: string): string {
  return linesOf(output)
    .filter((line) => line.trim() !== '' && !PROGRESS.test(line))
    .join('\n');
}

function linesOf(output: string): string[] {
  return output.split(/[\r\n]+/);
}
