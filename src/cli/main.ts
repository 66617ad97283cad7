import { processContext } from './context.ts';
import { runCli } from './program.ts';

// The daemons take over SIGTERM and SIGINT for themselves; every other command only needs to know that it should end.
const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());

// A closed pipe (`slipway logs | head`) ends the output, not with a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), processContext(interruption.signal));
