/** A page of section 1 for the program and for each of its commands; what belongs to one command stands on its page. Pure. */
import type { CommandText, OptionText } from '../command-line.ts';
import { bold, entry, escaped, type Page, section, verbatim } from './roff.ts';

export interface Status {
  readonly status: number;
  readonly meaning: string;
}

/** `slipway-agent(8)` and `slipway-server(8)` are what runs as a service. */
const DAEMONS: readonly string[] = ['agent', 'server'];

/** @param commands the program itself first */
export function commandPages(commands: readonly CommandText[], statuses: readonly Status[]): readonly Page[] {
  const [program, ...rest] = commands;
  if (program === undefined) return [];
  const firsts = rest.filter(({ words }) => words.length === 1);
  const pages = firsts.map((first) => {
    const own = rest.filter(({ words }) => words[0] === first.words[0]);
    return pageOf(first, own);
  });
  return [programPage(program, firsts, statuses), ...pages];
}

function programPage(program: CommandText, firsts: readonly CommandText[], statuses: readonly Status[]): Page {
  const commands = firsts.flatMap((one) => entry(one.words.join(' '), sentence(one.description)));
  return {
    name: 'slipway',
    section: 1,
    summary: lower(program.description),
    body: [
      ...section('Synopsis', `${bold('slipway')} COMMAND [OPTIONS]`),
      ...section('Description', ...commands),
      ...section('Options', ...program.options.flatMap(optionEntry)),
      ...section('Exit status', ...statuses.flatMap(({ status, meaning }) => entry(String(status), meaning))),
      ...seeAlso(firsts.map((one) => `slipway\\-${one.words[0]}(${sectionOf(one)})`)),
    ],
  };
}

function pageOf(first: CommandText, own: readonly CommandText[]): Page {
  const running = own.filter(({ runs }) => runs);
  const several = running.length > 1;
  return {
    name: `slipway-${first.words[0]}`,
    section: sectionOf(first),
    summary: lower(first.description),
    body: [
      ...section('Synopsis', ...running.flatMap((one, n) => [...(n === 0 ? [] : ['.br']), usage(one)])),
      ...(several
        ? running.flatMap((one) => [...section(one.words.join(' ')), ...commandSection(one)])
        : section('Description', ...running.flatMap(description))),
      ...(several ? [] : section('Options', ...running.flatMap(({ options }) => options.flatMap(optionEntry)))),
      ...section('Examples', ...running.flatMap(({ example }) => (example === null ? [] : verbatim(example)))),
      ...seeAlso(['slipway(1)']),
    ],
  };
}

/** One of several commands of a page. */
function commandSection(command: CommandText): string[] {
  return [
    `.SH "${command.words.join(' ').toUpperCase()}"`,
    escaped(sentence(command.description)),
    ...command.options.flatMap(optionEntry),
  ];
}

function description(command: CommandText): string[] {
  return [escaped(sentence(command.description))];
}

function optionEntry(option: OptionText): string[] {
  const variable = option.variable === null ? [] : [`Environment: ${option.variable}.`];
  const choices = option.choices === null ? [] : [`One of ${option.choices.join(', ')}.`];
  const standard = option.standard === null ? [] : [`Default: ${option.standard}.`];
  return entry(option.flags, sentence(option.description), ...choices, ...standard, ...variable);
}

function usage(command: CommandText): string {
  const operands = command.operands.map((operand) => ` ${escaped(operand)}`).join('');
  return `${bold(`slipway ${command.words.join(' ')}`)} [OPTIONS]${operands}`;
}

function seeAlso(pages: readonly string[]): string[] {
  return section('See also', pages.join(', '));
}

function sectionOf(command: CommandText): number {
  return DAEMONS.includes(command.words[0] ?? '') ? 8 : 1;
}

function sentence(text: string): string {
  const end = /[.!?]$/.test(text) ? '' : '.';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}

/** The line of NAME has no full stop, and begins small by custom. */
function lower(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`.replace(/\.$/, '');
}
