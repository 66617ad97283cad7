/**
 * For a daemon that waits. It does nothing often enough for V8's compilers to be worth their code, of which the first use of each maps
 * megabytes. Set by the very first file, which imports nothing: looking for the files of the program is what would be compiled first.
 */
const FLAGS_OF_THE_AGENT = [
  '--max-semi-space-size=1',
  '--optimize-for-size',
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
];
if (process.argv[2] === 'agent') {
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  for (const flag of FLAGS_OF_THE_AGENT) setFlagsFromString(flag);
}

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

// Makes a module of the file, which has no import of its own.
export {};
