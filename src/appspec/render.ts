/** Findings for people. Pure. */
import { printable, printableLines } from '../system/printable.ts';
import type { Finding } from './types.ts';

const MAX_SHOWN = 300;

/** Findings for a person: `file:line:column: error: message`, each with the line it is about and a mark below it. @returns the lines */
export function renderFindings(findings: readonly Finding[], text: string, file: string): string[] {
  const lines = text.split(/\r?\n/);
  return findings.flatMap((finding) => renderFinding(finding, lines, file));
}

function renderFinding(finding: Finding, lines: readonly string[], file: string): string[] {
  const { position, severity } = finding;
  const said = `${severity}: ${printable(finding.message)} [${finding.rule}]`;
  if (position === null) return [`${printable(file)}: ${said}`];
  const head = `${printable(file)}:${position.line}:${position.column}: ${said}`;
  const source = lines[position.line - 1];
  // A line that is no text for people (a file of bytes, something minified) would only bury what was said.
  if (source === undefined || source.length > MAX_SHOWN) return [head];
  const number = String(position.line);
  // A tab stays a tab below, so that the mark stands where the reader's editor shows the column.
  const indent = source.slice(0, position.column - 1).replace(/[^\t]/g, ' ');
  return [
    head,
    printableLines(`  ${number} | ${source}`),
    printableLines(`  ${' '.repeat(number.length)} | ${indent}^`),
  ];
}
