/**
 * The parts of `docs/` that only repeat what the program knows: written from the program by `npm run docs`, compared with it by
 * `docs.test.ts`. Such a part stands between `<!-- generated: NAME -->` and `<!-- end: NAME -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Option } from 'commander';
import { leafCommands, programForDocs, standardOf } from '../../packaging/command-line.ts';
import { renderResourceSchema } from '../../src/appspec/resources/schema.ts';
import { LINT_RULES } from '../../src/appspec/rules.ts';
import { renderSchema } from '../../src/appspec/schema.ts';
import { EXIT_STATUS } from '../../src/cli/exit-status.ts';
import { HOST_HISTORY, HOST_REVISIONS, REVISION_HISTORY } from '../../src/cli/view/history.ts';
import { AGENT_CONFIG_KEYS } from '../../src/config/agent-keys.ts';
import type { KeyValue } from '../../src/config/keys.ts';
import { ERROR_CATALOGUE } from '../../src/errors.ts';
import { exceptionCounts, exceptionTable, operationTables } from './api-docs.ts';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export interface GeneratedPart {
  readonly file: string;
  readonly name: string;
  readonly text: string;
}

export async function generatedParts(): Promise<GeneratedPart[]> {
  return [
    { file: 'docs/errors.md', name: 'error codes', text: errorCodes() },
    { file: 'docs/config.md', name: 'agent configuration', text: agentConfiguration() },
    { file: 'docs/cli.md', name: 'exit statuses', text: exitStatuses() },
    { file: 'docs/cli.md', name: 'commands', text: await commands() },
    { file: 'docs/deployments.md', name: 'columns of reports', text: reportColumns() },
    { file: 'docs/appspec.md', name: 'rules', text: lintRules() },
    { file: 'docs/api.md', name: 'operations', text: operationTables() },
    { file: 'docs/api.md', name: 'number of exceptions', text: exceptionCounts() },
    { file: 'docs/api.md', name: 'exceptions that never come', text: exceptionTable() },
  ];
}

function reportColumns(): string {
  const rows = [
    ['`revisions history`', REVISION_HISTORY],
    ['`hosts history`', HOST_HISTORY],
    ['`hosts revisions`', HOST_REVISIONS],
  ] as const;
  const cells = rows.map(
    ([command, columns]) => `| ${command} | ${columns.map(({ name }) => `\`${name}\``).join(', ')} |`,
  );
  return ['| report | columns of `--csv` |', '| --- | --- |', ...cells].join('\n');
}

/** Files that are written from the program as a whole. */
export function generatedFiles(): { readonly file: string; readonly text: string }[] {
  return [
    { file: 'schema/appspec.schema.json', text: renderSchema() },
    { file: 'schema/appspec-lambda.schema.json', text: renderResourceSchema('Lambda') },
    { file: 'schema/appspec-ecs.schema.json', text: renderResourceSchema('ECS') },
  ];
}

/** The document with this part brought up to date. */
export function withPart(document: string, part: GeneratedPart): string {
  const begin = `<!-- generated: ${part.name} -->`;
  const end = `<!-- end: ${part.name} -->`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${part.file} has no part between ${begin} and ${end}`);
  return `${document.slice(0, from + begin.length)}\n\n${part.text.trim()}\n\n${document.slice(to)}`;
}

function errorCodes(): string {
  const rows = Object.entries(ERROR_CATALOGUE).map(
    ([code, entry]) => `| \`${code}\` | ${cell(entry.meaning)} | ${cell(entry.remedy)} |`,
  );
  return ['| code | what it means | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}

function agentConfiguration(): string {
  const rows = AGENT_CONFIG_KEYS.map(
    (key) =>
      `| \`${key.key}\` | ${typeof key.type === 'string' ? key.type : key.type.join(', ')} | ${isNothing(key.default) ? '–' : `\`${String(key.default)}\``} | ${cell(key.meaning)} |`,
  );
  return ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** A default of null, or of an empty list. */
function isNothing(value: KeyValue): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

function lintRules(): string {
  const rows = Object.entries(LINT_RULES).map(
    ([id, { severity, meaning }]) => `| \`${id}\` | ${severity} | ${cell(meaning)} |`,
  );
  return ['| rule | severity | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}

function exitStatuses(): string {
  const rows = Object.values(EXIT_STATUS).map(({ status, meaning }) => `| ${status} | ${cell(meaning)} |`);
  return ['| status | meaning |', '| --- | --- |', ...rows].join('\n');
}

async function commands(): Promise<string> {
  return leafCommands(await programForDocs())
    .map(({ words, command }) => {
      const usage = command.registeredArguments.map((argument) =>
        argument.required ? ` <${argument.name()}>` : ` [${argument.name()}]`,
      );
      const options = command.options
        .filter((option) => option.long !== '--verbose' && option.long !== '--version')
        .map((option) => `| \`${option.flags}\` | ${cell(option.description)}${defaultText(option)} |`);
      return [
        `### slipway ${words.join(' ')}${usage.join('')}`,
        '',
        `${capitalise(command.description())}.`,
        ...(options.length === 0 ? [] : ['', '| option | meaning |', '| --- | --- |', ...options]),
      ].join('\n');
    })
    .join('\n\n');
}

function defaultText(option: Option): string {
  const standard = standardOf(option);
  const shown = standard === null ? '' : ` (default \`${standard}\`)`;
  return `${shown}${option.envVar === undefined ? '' : `; environment: \`${option.envVar}\``}`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const part of await generatedParts()) {
    const path = join(PROJECT, part.file);
    writeFileSync(path, withPart(readFileSync(path, 'utf8'), part));
  }
  for (const { file, text } of generatedFiles()) writeFileSync(join(PROJECT, file), text);
}
