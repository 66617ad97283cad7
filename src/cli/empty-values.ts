/** Arguments that are there and say nothing. */
import type { Command } from 'commander';

/** Values that a person may want to be empty: a description, or the beginning that every key has. */
const MAY_BE_EMPTY = /<(text|prefix)>/;

/**
 * Refuses an argument or an option whose value is an empty text, as `"$NAME"` is in a shell where NAME is not set. As a path it would mean
 * the folder that somebody happens to be in; as a name, nothing that exists.
 *
 * @throws CommanderError before the command has done anything
 */
export function refuseEmptyValues(action: Command): void {
  const place = action.args.indexOf('');
  if (place >= 0) {
    const name = action.registeredArguments[Math.min(place, action.registeredArguments.length - 1)]?.name();
    refuse(action, name === undefined ? 'an argument' : `the argument '${name}'`);
  }
  for (let command: Command | null = action; command !== null; command = command.parent) {
    for (const option of command.options) {
      const name = option.attributeName();
      const isTyped = command.getOptionValueSource(name) === 'cli';
      if (isTyped && !MAY_BE_EMPTY.test(option.flags) && isEmpty(command.getOptionValue(name))) {
        refuse(action, `the value of the option '${option.flags}'`);
      }
    }
  }
}

function isEmpty(value: unknown): boolean {
  return value === '' || (Array.isArray(value) && value.includes(''));
}

function refuse(action: Command, what: string): never {
  action.error(`error: ${what} is empty; is a variable not set that it comes from?`, {
    code: 'commander.invalidArgument',
  });
}
