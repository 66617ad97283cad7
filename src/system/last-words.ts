import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { printableLines } from './printable.ts';

/**
 * Ends this process when nobody catches a fault, as Node itself does; but no terminal obeys what a stranger wrote into its message.
 *
 * @param status to exit with
 */
export function endOnUncaughtFaults(status: number): void {
  process.on('uncaughtException', (error) => {
    try {
      writeSync(2, `${printableLines(inspect(error))}\n`);
    } catch {
      // Nobody reads it.
    }
    process.exit(status);
  });
}
