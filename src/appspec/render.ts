import type { Finding } from './types.ts';

/** Findings for a person: `file:line:column: error: message`, each with the line it is about and a mark below it. */
export function renderFindings(findings: readonly Finding[], text: string, file: string): string {
  const lines = text.split(/\r?\n/);
  return findings.map((finding) => renderFinding(finding, lines, file)).join('\n');
}

function renderFinding(finding: Finding, lines: readonly string[], file: string): string {
  const { position, severity, message } = finding;
  if (position === null) return `${file}: ${severity}: ${message}`;
  const head = `${file}:${position.line}:${position.column}: ${severity}: ${message}`;
  const source = lines[position.line - 1];
  if (source === undefined) return head;
  const number = String(position.line);
  // A tab stays a tab below, so that the mark stands where the reader's editor shows the column.
  const indent = source.slice(0, position.column - 1).replace(/[^\t]/g, ' ');
  return `${head}\n  ${number} | ${source}\n  ${' '.repeat(number.length)} | ${indent}^`;
}
