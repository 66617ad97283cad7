/** Findings in SARIF, for tools. Pure. */
import { LINT_RULES, type LintRuleId } from '../../appspec/rules.ts';
import type { Finding } from '../../appspec/types.ts';

export interface SarifInput {
  readonly findings: readonly Finding[];
  /** Address of the AppSpec file: relative to where the analysis ran, or absolute with its scheme. */
  readonly uri: string;
  readonly version: string;
}

/**
 * Findings as a log of the Static Analysis Results Interchange Format, version 2.1.0, which code hosts and editors read.
 *
 * @see https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function renderSarif({ findings, uri, version }: SarifInput): string {
  const ids = Object.keys(LINT_RULES) as LintRuleId[];
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'slipway validate',
            semanticVersion: version,
            rules: ids.map((id) => ({
              id,
              shortDescription: { text: LINT_RULES[id].meaning },
              defaultConfiguration: { level: LINT_RULES[id].severity },
            })),
          },
        },
        // Columns are counted as editors count them, in UTF-16 units.
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => ({
          ruleId: finding.rule,
          ruleIndex: ids.indexOf(finding.rule),
          level: finding.severity,
          message: { text: finding.message },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri },
                ...(finding.position !== null && {
                  region: { startLine: finding.position.line, startColumn: finding.position.column },
                }),
              },
            },
          ],
        })),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
