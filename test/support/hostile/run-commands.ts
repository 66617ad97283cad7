/**
 * Runs commands of the command line one after the other and tells what each wrote: node run-commands.ts < `CommandRun[]`. A process of its
 * own, because some commands close what it was started with.
 */
import { text } from 'node:stream/consumers';
import type { CliContext } from '../../../src/cli/context.ts';
import { processContext } from '../../../src/cli/context.ts';
import { createOutput } from '../../../src/cli/output.ts';
import { runCli } from '../../../src/cli/program.ts';

export interface CommandRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** A person looks: colours and moving lines are for them only. */
  readonly isTerminal?: boolean;
}

export interface CommandWords extends CommandRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Followers of logs and of deployments that never end are interrupted. */
const LONGEST_MS = 1_500;

async function run(one: CommandRun): Promise<CommandWords> {
  const said = { stdout: '', stderr: '' };
  const output = (name: 'stdout' | 'stderr') =>
    createOutput({
      write: (piece) => {
        said[name] += piece;
      },
      isTerminal: one.isTerminal ?? false,
      columns: 80,
    });
  const signal = AbortSignal.timeout(LONGEST_MS);
  const ctx: CliContext = {
    ...processContext(signal),
    stdout: output('stdout'),
    stderr: output('stderr'),
    env: one.env,
    workingDirectory: one.workingDirectory,
    ask: null,
  };
  const status = await runCli(one.args, ctx);
  return { ...one, status, ...said };
}

const runs = JSON.parse(await text(process.stdin)) as readonly CommandRun[];
const results: CommandWords[] = [];
for (const one of runs) results.push(await run(one));
process.stdout.write(JSON.stringify(results), () => process.exit(0));
