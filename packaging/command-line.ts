/** The command line as data: what manual pages, completions and the documentation are written from. */
import type { Command, Option } from 'commander';
import { processContext } from '../src/cli/context.ts';
import { exampleOf } from '../src/cli/examples.ts';
import { buildProgram } from '../src/cli/program.ts';

export interface OptionText {
  /** `-c`, `--json`; the long one last. */
  readonly names: readonly string[];
  /** As in `--help`: `-c, --config-file <path>`. */
  readonly flags: string;
  readonly takesValue: boolean;
  /** The words that it takes; null: any. */
  readonly choices: readonly string[] | null;
  readonly description: string;
  /** Value that holds without the option; null: nothing that could be said beforehand. */
  readonly standard: string | null;
  /** The environment variable that is read where the option is not given. */
  readonly variable: string | null;
}

export interface CommandText {
  /** `['deployments', 'show']`, without the program's own name. */
  readonly words: readonly string[];
  readonly description: string;
  /** As in `--help`: `<id>`, `[source]`. */
  readonly operands: readonly string[];
  readonly options: readonly OptionText[];
  readonly example: string | null;
  /** The first words of what stands below it. */
  readonly children: readonly string[];
  /** Whether it does something by itself, or is a name for those below it alone. */
  readonly runs: boolean;
}

/** The program as its documentation sees it; no action of it is ever run. */
export function programForDocs(): Promise<Command> {
  return buildProgram(processContext(new AbortController().signal), () => {});
}

/** Every command that does something, with its words: `deployments show`, `agent`, `agent install`. */
export function leafCommands(
  command: Command,
  words: readonly string[] = [],
): { words: readonly string[]; command: Command }[] {
  return command.commands.flatMap((child) => {
    const path = [...words, child.name()];
    return [...(doesSomething(child) ? [{ words: path, command: child }] : []), ...leafCommands(child, path)];
  });
}

/** The program itself first, then every command below it, each before its own. */
export function commandTexts(command: Command, words: readonly string[] = []): CommandText[] {
  return [
    {
      words,
      description: command.description(),
      operands: command.registeredArguments.map((one) => (one.required ? `<${one.name()}>` : `[${one.name()}]`)),
      options: command.options.map(optionText),
      example: exampleOf(words) ?? null,
      children: command.commands.map((child) => child.name()),
      runs: words.length > 0 && doesSomething(command),
    },
    ...command.commands.flatMap((child) => commandTexts(child, [...words, child.name()])),
  ];
}

function doesSomething(command: Command): boolean {
  return command.commands.length === 0 || command.options.some((option) => option.long !== '--verbose');
}

function optionText(option: Option): OptionText {
  return {
    names: [option.short, option.long].filter((name) => name != null),
    flags: option.flags,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? null,
    description: option.description,
    standard: standardOf(option),
    variable: option.envVar ?? null,
  };
}

/** Value that holds without the option, as `--help` and the documentation show it. */
export function standardOf(option: Option): string | null {
  // The machine's own name: a text for all machines cannot know it.
  if (option.long === '--instance-name') return null;
  const value: unknown = option.defaultValueDescription ?? option.defaultValue;
  return value === undefined || typeof value === 'boolean' ? null : String(value);
}
