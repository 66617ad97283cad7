/**
 * Waits for the end of the process that has forked it, however that ends. Then it ends all processes that still work in a folder, and
 * removes the folder. Processes of the bench name the folder among their arguments: servers their data, PostgreSQL its cluster.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';

const [folder = ''] = process.argv.slice(2);
/** A process that is ended may still make a file. */
const TRIES = 20;
const PAUSE_MS = 100;

function processesIn(path: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => argumentsOf(pid).some((argument) => argument.startsWith(`${path}/`)))
    .map(Number);
}

/** @returns none for a process that has ended */
function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function cleanUp(triesLeft: number): void {
  for (const pid of processesIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch (error) {
    if (triesLeft === 0) throw error;
    setTimeout(cleanUp, PAUSE_MS, triesLeft - 1);
  }
}

process.on('disconnect', () => cleanUp(TRIES));
// A terminal sends it to all that it has started; the folder is removed when the bench itself has ended.
process.on('SIGINT', () => undefined);
process.send?.('ready');
