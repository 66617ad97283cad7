/** Names what a person mistyped before anything else is missed: commander asks for required options first. */
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { nearestWord } from '../appspec/suggest.ts';

/**
 * Takes the check for required options from commander, for all commands below `parent`. An option that is mistyped is then named before the
 * one that is missing, and a mistyped subcommand of a command that also runs by itself is named as one.
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
      const near = nearestWord(
        word,
        action.commands.map((child) => child.name()),
      );
      const hint = near === null ? '' : `\n(Did you mean ${near}?)`;
      action.error(`error: unknown command '${word}'${hint}`, { code: 'commander.unknownCommand' });
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
