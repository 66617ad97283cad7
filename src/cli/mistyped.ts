/** Names what a person mistyped before anything else is missed: commander asks for required options first. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { nearestWord } from '../appspec/suggest.ts';
import { didYouMeanOneOf, longOptions, nearCommands, nearOptions } from './near-words.ts';

/**
 * Takes the check for required options from commander, for all commands below `parent`. So a mistyped option is named before a missing one.
 * A mistyped subcommand is named as one, also below a command that runs by itself.
 *
 * @returns the check, to be made before an action
 */
export function checkAfterNames(parent: Command): (action: Command) => void {
  const required = new Set<Option>();
  const prepare = (command: Command): void => {
    for (const option of command.options.filter(({ mandatory }) => mandatory)) {
      required.add(option);
      option.mandatory = false;
    }
    for (const option of command.options) hintAtChoices(option);
    if (command.commands.length > 0) command.allowExcessArguments(true);
    for (const child of command.commands) prepare(child);
  };
  for (const child of parent.commands) prepare(child);
  return (action) => {
    const [word] = action.args.slice(action.registeredArguments.length);
    if (word !== undefined && action.commands.length > 0) {
      action.error(`error: unknown command '${word}'`, { code: 'commander.unknownCommand' });
    }
    const missing = action.options.find(
      (option) => required.has(option) && action.getOptionValue(option.attributeName()) === undefined,
    );
    if (missing === undefined) return;
    action.error(`error: required option '${missing.flags}' not specified`, {
      code: 'commander.missingMandatoryOptionValue',
    });
  };
}

/**
 * A complaint of commander, and below it what was probably meant. The typed word may hold line breaks of its own, which begin no lines of
 * the complaint. Pure.
 *
 * @param command where the complaint comes from
 */
export function linesOfComplaint(command: Command, text: string): readonly string[] {
  const [, complaint = '', ofChoices] = /^(.*?)(?:\n(\(Did you mean [^\n]*\?\)))?\n?$/s.exec(text) ?? [];
  if (ofChoices !== undefined) return [complaint, ofChoices];
  const [, what, word = ''] = /^error: unknown (option|command) '(.*)'$/s.exec(complaint) ?? [];
  if (what === undefined) return [complaint];
  // In `server doctr --json` the option is unknown to `server` only because the word before it is.
  const { args, commands } = command;
  const stranger = commands.length > 0 && what === 'option' ? args.find((one) => !one.startsWith('-')) : undefined;
  if (what === 'option' && stranger === undefined) return withHint(complaint, nearOptions(command, word));
  const name = stranger ?? word;
  return withHint(
    `error: unknown command '${name}'`,
    nearCommands(command, args.slice(Math.max(0, args.indexOf(name)))),
  );
}

function withHint(complaint: string, near: readonly string[]): readonly string[] {
  return near.length === 0 ? [complaint] : [complaint, didYouMeanOneOf(near)];
}

/**
 * Refuses a long option behind one dash. Where its first letter is a short option, the rest would be taken for that one's value: `-group x`
 * would deploy to the group `roup`.
 *
 * @throws CommanderError naming the option with two dashes
 */
export function refuseSingleDash(program: Command, argv: readonly string[]): void {
  let command = program;
  for (const word of argv) {
    if (word === '--') return;
    command = command.commands.find((child) => child.name() === word) ?? command;
    const [flag = ''] = word.split('=', 1);
    if (/^-[a-z][a-z]/.test(flag) && longOptions(command).includes(`-${flag}`)) {
      command.error(`error: unknown option '${flag}'`, { code: 'commander.unknownOption' });
    }
  }
}

/** A word that is none of an option's choices is answered with the nearest one, too. */
function hintAtChoices(option: Option): void {
  const { argChoices: choices } = option;
  if (choices === undefined) return;
  option.argParser((word: string) => {
    if (choices.includes(word)) return word;
    const near = nearestWord(word, choices);
    const hint = near === null ? '' : `\n(Did you mean ${near}?)`;
    throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.${hint}`);
  });
}
