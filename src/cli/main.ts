import { dirname } from 'node:path';
import { keepCompiledCode } from '../system/compiled-code.ts';
import { FOR_SERVING, FOR_WAITING, restartWith } from '../system/node-options.ts';

/** Also a start by a name that this agent does not know is no daemon. */
const [called, next = '-'] = process.argv.slice(2);
const isDaemon = next.startsWith('-');
const isBuilt = import.meta.filename.endsWith('.js');
if (isBuilt && isDaemon && called === 'agent') restartWith(FOR_WAITING);
if (isBuilt && isDaemon && called === 'server') restartWith(FOR_SERVING);
if (isBuilt && called !== 'agent' && called !== 'server') keepCompiledCode(dirname(import.meta.dirname));

const { processContext } = await import('./context.ts');
const { runCli } = await import('./program.ts');
const { endOnUncaughtFaults, showWarnings } = await import('../system/last-words.ts');
const { exitStatus } = await import('./exit-status.ts');
endOnUncaughtFaults(exitStatus('internal'));
showWarnings();

// The daemons take over SIGTERM and SIGINT for themselves; every other command only needs to know that it should end.
const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());

// A closed pipe (`slipway logs | head`) ends the output, not with a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});
// Whoever has stopped reading complaints still learns the exit status.
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

process.exitCode = await runCli(process.argv.slice(2), processContext(interruption.signal));
