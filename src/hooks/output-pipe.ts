import { chmodSync, closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { messageOf } from '../errors.ts';
import { programEnvironment } from '../system/program-environment.ts';
import { makePipeFolder, SHARED_FOLDERS, sweepOwnFolder } from './pipe-folders.ts';

/**
 * What a script writes to, and what the agent reads from.
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
  /** For a reader that goes on when this process does not: unlike `stream`, it blocks. Whoever needs it gets its own copy. */
  readonly spareReadEnd: number;
  closeWriteEnd(): void;
  /** Lets go of all ends; harmless when called again. */
  close(): void;
}

/**
 * Makes one pipe for each name.
 *
 * @param ownFolder a folder of the agent's own, tried first: nobody else can fill it, and what a killed agent has left there is removed;
 * null: only those that everybody may use
 * @param shared where everybody may make pipes
 * @throws Error when no folder takes them
 */
export async function createOutputPipes<Name extends string>(
  names: readonly Name[],
  ownFolder: string | null = null,
  shared: readonly string[] = SHARED_FOLDERS,
): Promise<Readonly<Record<Name, OutputPipe>>> {
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
      return openAll(names, paths);
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

function openAll<Name extends string>(
  names: readonly Name[],
  paths: readonly string[],
): Readonly<Record<Name, OutputPipe>> {
  const opened: [Name, OutputPipe][] = [];
  try {
    names.forEach((name, index) => {
      opened.push([name, openPipe(paths[index] ?? name)]);
    });
    return Object.fromEntries(opened) as Record<Name, OutputPipe>;
  } catch (error) {
    for (const [, pipe] of opened) pipe.close();
    throw error;
  }
}

function openPipe(path: string): OutputPipe {
  // The reader first and without blocking, or each would wait for the other. The writer blocks, as a script expects of its output.
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  let writeEnd: number | null = null;
  let spareReadEnd: number | null = null;
  try {
    writeEnd = openSync(path, constants.O_WRONLY);
    spareReadEnd = openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (writeEnd !== null) closeSync(writeEnd);
    closeSync(readEnd);
    throw error;
  }
  const spare = spareReadEnd;
  const stream = new Socket({ fd: readEnd, readable: true, writable: false });
  const closeWriteEnd = () => {
    if (writeEnd !== null) closeSync(writeEnd);
    writeEnd = null;
  };
  return {
    writeEnd,
    nameEnd: `${path.split('/').slice(-2).join('/')} (deleted)`,
    stream,
    spareReadEnd: spare,
    closeWriteEnd,
    close() {
      closeWriteEnd();
      if (spareReadEnd !== null) closeSync(spareReadEnd);
      spareReadEnd = null;
      stream.destroy();
    },
  };
}
