/** Findings for GitHub Actions. Pure. */

import type { Finding } from '../../appspec/types.ts';
import { printableLines } from '../../system/printable.ts';

/**
 * Findings as workflow commands of GitHub Actions, one a line, which it shows beside the lines of the file.
 *
 * @see https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
export function renderGitHubAnnotations(findings: readonly Finding[], file: string): string {
  return findings
    .map(({ severity, rule, message, position }) => {
      const place = position === null ? {} : { line: String(position.line), col: String(position.column) };
      const properties = Object.entries({ file, ...place, title: rule }).map(
        ([name, value]) => `${name}=${escapeProperty(value)}`,
      );
      return `::${severity} ${properties.join(',')}::${escapeData(message)}\n`;
    })
    .join('');
}

function escapeData(text: string): string {
  return printableLines(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
