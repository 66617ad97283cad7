/**
 * The options of the programs in `test/`, read in one way: `npm run NAME -- --help` shows all of them, and what is wrong is said in one line.
 */
import { parseArgs } from 'node:util';
import { outliveReaders } from '../../packaging/closed-pipe.ts';

interface Flag {
  readonly kind: 'flag';
  readonly help: string;
}

interface WholeNumber<Otherwise> {
  readonly kind: 'number';
  readonly help: string;
  readonly least: number;
  readonly most: number;
  readonly otherwise: Otherwise;
}

interface Text {
  readonly kind: 'text';
  readonly help: string;
  /** Placeholder of the value in the help. */
  readonly word: string;
  /** null: any text. */
  readonly among: readonly string[] | null;
}

type Option = Flag | WholeNumber<number | null> | Text;

/** A flag is a boolean; a number or text that is not given is what the option says, or null. */
export type Values<Options extends Readonly<Record<string, Option>>> = {
  readonly [Name in keyof Options]: Options[Name] extends Flag
    ? boolean
    : Options[Name] extends WholeNumber<infer Otherwise>
      ? number | (Otherwise extends null ? null : never)
      : string | null;
};

export type Reading<Options extends Readonly<Record<string, Option>>> =
  | { readonly is: 'values'; readonly values: Values<Options> }
  | { readonly is: 'help' | 'refusal'; readonly text: string };

/** So many digits are a safe integer. */
const MOST_DIGITS = 15;
/** `EX_USAGE` of sysexits. */
const WRONG_USAGE = 64;

export function flag(help: string): Flag {
  return { kind: 'flag', help };
}

export function wholeNumber<Otherwise extends number | null>(
  help: string,
  { least = 0, most = 1_000_000_000, otherwise }: { least?: number; most?: number; otherwise: Otherwise },
): WholeNumber<Otherwise> {
  return { kind: 'number', help, least, most, otherwise };
}

export function anyText(word: string, help: string): Text {
  return { kind: 'text', word, help, among: null };
}

export function oneOf(among: readonly string[], help: string): Text {
  return { kind: 'text', word: 'NAME', help: `${help}: ${among.join(', ')}`, among };
}

/** Arguments that this program was started with. Prints the help or what is wrong, and ends it, where there is nothing else to do. */
export function programOptions<const Options extends Readonly<Record<string, Option>>>(
  program: string,
  options: Options,
): Values<Options> {
  outliveReaders();
  const reading = readOptions(program, options, process.argv.slice(2));
  if (reading.is === 'values') return reading.values;
  const isHelp = reading.is === 'help';
  (isHelp ? process.stdout : process.stderr).write(reading.text);
  process.exit(isHelp ? 0 : WRONG_USAGE);
}

/** @param program its name among npm's scripts */
export function readOptions<const Options extends Readonly<Record<string, Option>>>(
  program: string,
  options: Options,
  args: readonly string[],
): Reading<Options> {
  const given: Record<string, boolean | number | string | null> = {};
  for (const [name, option] of Object.entries(options)) given[name] = valueOfNothing(option);
  const wrong: string[] = [];
  const types = Object.entries(options).map(
    ([name, { kind }]) => [name, { type: kind === 'flag' ? 'boolean' : 'string' }] as const,
  );
  const known = Object.fromEntries(types);
  const { tokens } = parseArgs({ args: [...args], options: known, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      wrong.push(`'${token.value}' is no option`);
      continue;
    }
    const { name, rawName, value, inlineValue } = token;
    if (name === 'help') return { is: 'help', text: helpOf(program, options) };
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) wrong.push(`there is no option ${rawName}`);
    else if (option.kind === 'flag') {
      if (value === undefined) given[name] = true;
      else wrong.push(`${rawName} takes no value`);
    } else if (value === undefined || (inlineValue === false && value.startsWith('--'))) {
      wrong.push(`${rawName} takes a value`);
    } else {
      const read = valueIn(value, option);
      if (read === null) wrong.push(`${rawName} is ${allowed(option)}, not '${value}'`);
      else given[name] = read;
    }
  }
  const [first] = wrong;
  if (first !== undefined) return { is: 'refusal', text: `${program}: ${first}. --help shows all options\n` };
  return { is: 'values', values: given as Values<Options> };
}

function valueOfNothing(option: Option): boolean | number | null {
  if (option.kind === 'flag') return false;
  return option.kind === 'number' ? option.otherwise : null;
}

/** @returns null: that is no value of the option */
function valueIn(text: string, option: Exclude<Option, Flag>): number | string | null {
  if (option.kind === 'text') return option.among === null || option.among.includes(text) ? text : null;
  const number = Number(text);
  const isOne = /^\d+$/.test(text) && text.length <= MOST_DIGITS;
  return isOne && number >= option.least && number <= option.most ? number : null;
}

function allowed(option: Exclude<Option, Flag>): string {
  if (option.kind === 'number') return `a whole number from ${option.least} to ${option.most}`;
  return `one of ${option.among?.join(', ')}`;
}

function helpOf(program: string, options: Readonly<Record<string, Option>>): string {
  const all = { ...options, help: flag('this text') };
  const rows = Object.entries<Option>(all).map(([name, option]) => {
    const word = option.kind === 'flag' ? '' : ` ${option.kind === 'number' ? 'N' : option.word}`;
    const isSaid = option.kind === 'number' && option.otherwise !== null;
    return { left: `--${name}${word}`, right: `${option.help}${isSaid ? ` (${option.otherwise})` : ''}` };
  });
  const width = Math.max(...rows.map(({ left }) => left.length));
  const lines = rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}\n`);
  return `npm run ${program} -- [OPTIONS]\n\n${lines.join('')}`;
}
