import { chmodSync, closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { messageOf } from '../errors.ts';
import { programEnvironment } from '../system/program-environment.ts';
import { requireProgram } from '../system/programs.ts';
import { makePipeFolder, SHARED_FOLDERS, sweepOwnFolder } from './pipe-folders.ts';

/**
 * A pipe that a script writes to and the agent reads from.
 *
 * Real pipes: what Node gives a child are sockets, and on those `echo oops > /dev/stderr` fails, which many scripts say. Node cannot make
 * a pipe without a shell, so each is a FIFO whose name is gone before the script starts. Everybody may open it, because a script may run
 * as another user and open `/dev/stderr` again; nobody but who holds it can.
 */
export interface OutputPipe {
  /** For the child. Closed by `closeWriteEnd`, once the child has its own. */
  readonly writeEnd: number;
  /** How /proc shows the pipe; to find out who holds it. */
  readonly nameEnd: string;
  readonly stream: Socket;
  /** For a reader that goes on when this process does not: unlike `stream`, it blocks. Each process that needs it gets its own copy. */
  readonly spareReadEnd: number;
  closeWriteEnd(): void;
  /** Lets go of all ends; harmless when called again. */
  close(): void;
}

/** The ends of a pipe, as descriptors of this process, which no child inherits by itself. */
export type PipeEnds = Pick<OutputPipe, 'writeEnd' | 'nameEnd' | 'spareReadEnd'> & {
  /** Does not block. */
  readonly readEnd: number;
};

/**
 * Makes one pipe for each name.
 *
 * @param ownFolder a folder of the agent's own, tried first. Nobody else can fill it, and the leftovers of a killed agent are removed from
 * it. null: only the shared folders
 * @param shared where everybody may make pipes
 * @throws SlipwayError PROGRAM_MISSING without `mkfifo`; Error when no folder takes them
 */
export async function createOutputPipes<Name extends string>(
  names: readonly Name[],
  ownFolder: string | null = null,
  shared: readonly string[] = SHARED_FOLDERS,
): Promise<Readonly<Record<Name, OutputPipe>>> {
  const ends = await makePipes(names, ownFolder, shared);
  const pipes = names.map((name, index) => [name, outputPipe(ends[index] as PipeEnds)]);
  return Object.fromEntries(pipes) as Record<Name, OutputPipe>;
}

/** Makes pipes with one start of a program, however many there are. Parameters and fault as above; names must differ. */
export async function makePipes(
  names: readonly string[],
  ownFolder: string | null = null,
  shared: readonly string[] = SHARED_FOLDERS,
): Promise<readonly PipeEnds[]> {
  requireProgram('mkfifo');
  let fault: unknown;
  const folders = ownFolder === null ? shared : [ownFolder, ...shared];
  for (const parent of folders) {
    let folder: string | null = null;
    try {
      if (parent === ownFolder) prepareOwn(ownFolder);
      folder = makePipeFolder(parent);
      const paths = names.map((name) => join(folder ?? parent, name));
      await execa('mkfifo', paths, { stdin: 'ignore', env: programEnvironment(), extendEnv: false });
      // Its option -m needs /proc.
      for (const path of paths) chmodSync(path, 0o666);
      return openAll(paths);
    } catch (error) {
      fault = error;
    } finally {
      if (folder !== null) rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new Error(`no pipe can be made in ${folders.join(' or ')}: ${messageOf(fault)}`, { cause: fault });
}

function prepareOwn(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  sweepOwnFolder(folder);
}

function openAll(paths: readonly string[]): readonly PipeEnds[] {
  const opened: PipeEnds[] = [];
  try {
    for (const path of paths) opened.push(openPipe(path));
    return opened;
  } catch (error) {
    for (const ends of opened) closePipe(ends);
    throw error;
  }
}

/** Lets go of a pipe that nobody has used. */
export function closePipe({ readEnd, writeEnd, spareReadEnd }: PipeEnds): void {
  for (const end of [readEnd, writeEnd, spareReadEnd]) closeSync(end);
}

function openPipe(path: string): PipeEnds {
  // The reader first and without blocking, or each would wait for the other. The writer blocks, as a script expects of its output.
  const opened: number[] = [];
  const open = (flags: number) => {
    const end = openSync(path, flags);
    opened.push(end);
    return end;
  };
  try {
    const readEnd = open(constants.O_RDONLY | constants.O_NONBLOCK);
    const writeEnd = open(constants.O_WRONLY);
    const spareReadEnd = open(constants.O_RDONLY);
    return { readEnd, writeEnd, spareReadEnd, nameEnd: `${path.split('/').slice(-2).join('/')} (deleted)` };
  } catch (error) {
    for (const end of opened) closeSync(end);
    throw error;
  }
}

/** A pipe that is read from now on. */
export function outputPipe({ readEnd, nameEnd, ...ends }: PipeEnds): OutputPipe {
  let writeEnd: number | null = ends.writeEnd;
  let spareReadEnd: number | null = ends.spareReadEnd;
  const stream = new Socket({ fd: readEnd, readable: true, writable: false });
  const closeWriteEnd = () => {
    if (writeEnd !== null) closeSync(writeEnd);
    writeEnd = null;
  };
  return {
    ...ends,
    nameEnd,
    stream,
    closeWriteEnd,
    close() {
      closeWriteEnd();
      if (spareReadEnd !== null) closeSync(spareReadEnd);
      spareReadEnd = null;
      stream.destroy();
    },
  };
}
