/** Variables of the environment that are there and empty. */
import type { EventEmitter } from 'node:events';
import type { Command } from 'commander';

/**
 * Makes an empty variable count as one that is not set, for every option of a command that has one: a line of a file of settings whose
 * value is still to come, and `VARIABLE=` before a command, mean none. A flag with an empty value is what was typed, and is not touched.
 */
export function passOverEmptyVariables(command: Command): void {
  // A command is one, though its types do not say so.
  const events = command as unknown as EventEmitter;
  for (const option of command.options) {
    if (option.envVar === undefined) continue;
    const event = `optionEnv:${option.name()}`;
    const takers = events.listeners(event);
    events.removeAllListeners(event);
    events.on(event, (value: unknown) => {
      if (value !== '') for (const take of takers) take.call(command, value);
    });
  }
}
