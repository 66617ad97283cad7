/** Runs the commands of a reference page, one after the other, in one shell. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AWS_BY_VARIABLE, AWS_NEEDED } from '../support/aws-cli.ts';
import type { ScratchFolder } from '../support/scratch.ts';
import { blocksOf, commandsOf } from './blocks.ts';
import type { ReferencePage } from './reference.ts';
import { startWorld } from './world.ts';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

export interface PageResult {
  readonly ran: number;
  /** Commands of the page that its table leaves out. */
  readonly notRun: number;
  /** null: all went well. */
  readonly fault: string | null;
}

/** The program that a page's commands need and this machine lacks; null: all are there. */
export function missingFor(page: ReferencePage): string | null {
  const text = readFileSync(join(PROJECT, page.file), 'utf8');
  const typed = commandsOf(text).filter((command) => entryOf(page.notRun, command.text) === null);
  const all = [...(page.before ?? []), ...typed.map((command) => command.text), ...(page.after ?? [])];
  return AWS_BY_VARIABLE === null && all.some((command) => /\baws (?:deploy|s3|sts) /.test(command))
    ? AWS_NEEDED
    : null;
}

export async function runReferencePage(page: ReferencePage, scratch: ScratchFolder): Promise<PageResult> {
  const text = readFileSync(join(PROJECT, page.file), 'utf8');
  const commands = commandsOf(text);
  const unknown = strayEntries(page, text);
  if (unknown.length > 0)
    return { ran: 0, notRun: 0, fault: `its table names what is not there: ${unknown.join(', ')}` };
  const chosen = commands.filter(({ text: command }) => entryOf(page.notRun, command) === null);
  const steps = chosen.map(({ line, text: command }) => {
    const status = entryOf(page.statuses, command) ?? 0;
    return step(`${page.file}:${line}`, replacedIn(page, command), status);
  });
  await using world = await startWorld(scratch, page.hosts ?? {});
  const before = (page.before ?? []).map((command) => step('before the page', command, 0));
  const after = (page.after ?? []).map((command) => step('after the page', command, 0));
  const functionBlock = functionAppSpec(text);
  const { status, said } = await world.shell(
    ['set -uo pipefail', functionBlock, ...before, ...steps, ...after, "echo 'the page has ended'"].join('\n'),
  );
  const isWell = status === 0 && said.trimEnd().endsWith('the page has ended');
  return { ran: chosen.length, notRun: commands.length - chosen.length, fault: isWell ? null : said };
}

/** A command, and the end of everything if it ends with another status. */
function step(where: string, command: string, expected: number): string {
  const complaint = `${where}: status $status instead of ${expected}`;
  const shown = `'${command.replaceAll("'", "'\\''")}'`;
  return `echo ${shown}\n${command}\nstatus=$?\n[ $status -eq ${expected} ] || { echo "${complaint}:" ${shown}; exit 1; }`;
}

/** The page on AppSpec files checks the file of its own example. */
function functionAppSpec(text: string): string {
  const block = blocksOf(text).find((one) => one.language === 'yaml' && one.text.includes('AWS::Lambda::Function'));
  return block === undefined ? '' : `cat > appspec.yaml <<'END'\n${block.text}END`;
}

function replacedIn({ replaced = {} }: ReferencePage, command: string): string {
  return Object.entries(replaced).reduce((text, [from, to]) => text.replaceAll(from, to), command);
}

function entryOf<Value>(entries: Readonly<Record<string, Value>> | undefined, command: string): Value | null {
  const fitting = Object.keys(entries ?? {}).filter((start) => command.startsWith(start));
  const [longest] = fitting.sort((a, b) => b.length - a.length);
  return longest === undefined ? null : (entries?.[longest] ?? null);
}

/** Entries of the table that fit no command any more: the page has changed. */
function strayEntries(page: ReferencePage, text: string): readonly string[] {
  const commands = commandsOf(text).map((command) => command.text);
  const starts = [...Object.keys(page.notRun ?? {}), ...Object.keys(page.statuses ?? {})];
  return [
    ...starts.filter((start) => !commands.some((command) => command.startsWith(start))),
    ...Object.keys(page.replaced ?? {}).filter((from) => !commands.some((command) => command.includes(from))),
  ];
}
