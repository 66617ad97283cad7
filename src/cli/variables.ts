/** Variables of the environment in the place of flags. */
import type { EventEmitter } from 'node:events';
import type { Command } from 'commander';

/**
 * Sets two rules for the variables of a command's options:
 * - An empty one counts as not set. That is a line of a settings file whose value is still to come, or `VARIABLE=` before a command.
 *   A flag with an empty value is what was typed, and is refused (`empty-values.ts`).
 * - They are read when the command itself runs. A wrong setting of the server must not keep its doctor, a command below it, from saying so.
 */
export function readVariablesWhenRun(command: Command): void {
  const waiting: (() => void)[] = [];
  // A command is one, though its types do not say so.
  const events = command as unknown as EventEmitter;
  for (const option of command.options) {
    if (option.envVar === undefined) continue;
    const event = `optionEnv:${option.name()}`;
    const takers = events.listeners(event);
    events.removeAllListeners(event);
    events.on(event, (value: unknown) => {
      if (value !== '') for (const take of takers) waiting.push(() => take.call(command, value));
    });
  }
  command.hook('preAction', (_, action) => {
    if (action === command) for (const take of waiting.splice(0)) take();
  });
}
