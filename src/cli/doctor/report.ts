/** How findings are shown, for every doctor. */
import type { Finding } from './check.ts';

/** A line for each finding, what to do below it, and a last line with the counts. */
export function findingLines(findings: readonly Finding[]): string[] {
  const width = Math.max(0, ...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ status, check, detail, remedy }) => [
    `${status.padEnd(4)}  ${check.padEnd(width)}  ${detail}`,
    ...(remedy === null ? [] : [`${' '.repeat(6 + width + 2)}to do: ${remedy}`]),
  ]);
  const count = (wanted: Finding['status'], word: string) => {
    const number = findings.filter(({ status }) => status === wanted).length;
    return `${number} ${word}${number === 1 ? '' : 's'}`;
  };
  return [...lines, `${count('fail', 'fault')}, ${count('warn', 'warning')}`];
}

export function hasFault(findings: readonly Finding[]): boolean {
  return findings.some(({ status }) => status === 'fail');
}
