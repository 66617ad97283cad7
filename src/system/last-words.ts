import { writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { printable, printableLines } from './printable.ts';

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

/** Shows warnings of Node and of packages, which may quote what strangers wrote, on one line each that no terminal obeys. */
export function showWarnings(): void {
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }) => {
    try {
      writeSync(2, `slipway: ${printable(`${name}: ${message}`)}\n`);
    } catch {
      // Nobody reads it.
    }
  });
}
