import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { StringDecoder } from 'node:string_decoder';
import { execa } from 'execa';
import { nearNames } from '../appspec/suggest.ts';
import { SlipwayError, systemErrorCode } from '../errors.ts';
import { requireProgram } from '../system/programs.ts';
import type { CliContext } from './context.ts';
import { type LogView, logView } from './view/log-lines.ts';
import type { ResultOptions } from './view/result.ts';

/** How often a followed file is looked at. */
const FOLLOW_MS = 250;
/** How much of a file's end is read to find its last lines; a line beyond it is cut. */
const TAIL_BYTES = 1024 * 1024;

/** The scripts' log of one deployment, in whichever deployment group's folder it is. */
export function findDeploymentLog(rootDir: string, deploymentId: string): string {
  const logs = newestFirst(deploymentLogs(rootDir));
  const found = logs.find((log) => log.deploymentId === deploymentId);
  if (found === undefined) {
    const message = `no deployment ${deploymentId} has left a script log below ${rootDir}`;
    throw new SlipwayError('CLI_NO_LOGS', message, { remedy: remedyWithNewest(logs, deploymentId) });
  }
  return found.file;
}

/** The scripts' log that was written to last. @param groupId null: of any deployment group */
export function findLatestDeploymentLog(rootDir: string, groupId: string | null = null): string {
  const [newest] = newestFirst(deploymentLogs(rootDir)).filter((log) => groupId === null || log.groupId === groupId);
  if (newest === undefined) {
    const whose = groupId === null ? '' : ` of the group ${groupId}`;
    const message = `no deployment${whose} has left a script log below ${rootDir}`;
    throw new SlipwayError('CLI_NO_LOGS', message, { remedy: remedyWithNewest([]) });
  }
  return newest.file;
}

const NEWEST = 3;

/** @param wanted the id that was asked for, which may be a slip of the pen away from one that there is */
function remedyWithNewest(logs: readonly DeploymentLog[], wanted = ''): string {
  if (logs.length === 0) {
    return 'No script of a deployment has run there yet; if the agent keeps its files elsewhere, name its configuration with --config-file.';
  }
  const near = nearNames(
    wanted,
    logs.map(({ deploymentId }) => deploymentId),
  );
  const newest = logs.slice(0, NEWEST).map(({ deploymentId }) => deploymentId);
  const meant = near.length === 0 ? '' : `Did you mean ${near.join(' or ')}? `;
  return `${meant}The newest that have are ${newest.join(', ')}. A deployment without scripts leaves none.`;
}

function newestFirst(logs: readonly DeploymentLog[]): DeploymentLog[] {
  return [...logs].sort((a, b) => b.modifiedMs - a.modifiedMs);
}

interface DeploymentLog {
  readonly groupId: string;
  readonly deploymentId: string;
  readonly file: string;
  readonly modifiedMs: number;
}

function deploymentLogs(rootDir: string): DeploymentLog[] {
  return foldersOf(rootDir).flatMap((groupId) =>
    foldersOf(join(rootDir, groupId)).flatMap((deploymentId) => {
      const file = join(rootDir, groupId, deploymentId, 'logs/scripts.log');
      return existsSync(file) ? [{ groupId, deploymentId, file, modifiedMs: statSync(file).mtimeMs }] : [];
    }),
  );
}

function foldersOf(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

export interface ShowOptions extends ResultOptions {
  /** So many of the last lines. */
  readonly lines: number;
  /** Goes on with what is added, until the person interrupts. */
  readonly follow?: boolean;
}

/** Prints the last lines of a file; with `follow` also what is added, through rotations, until the person interrupts. */
export async function showFile(ctx: CliContext, path: string, options: ShowOptions): Promise<void> {
  const { lines, follow = false } = options;
  const view = logView(ctx, options, path);
  let file = openIfThere(path);
  if (file === null) {
    throw new SlipwayError('CLI_NO_LOGS', `${path} does not exist`, {
      remedy:
        'No agent has written there yet: `slipway agent start` starts one. Of a service that does not come up, `slipway logs --journal` has the reason; --config-file names another configuration.',
    });
  }
  try {
    const shown = showTail(view, file, lines);
    let showAdded = follower(view, file, shown);
    while (follow && !ctx.interrupted.aborted) {
      await ctx.clock.sleep(FOLLOW_MS, ctx.interrupted);
      const next = openIfThere(path);
      // First to its end what may have been moved aside meanwhile.
      showAdded();
      if (next === null || fstatSync(next).ino === fstatSync(file).ino) {
        if (next !== null) closeSync(next);
        continue;
      }
      closeSync(file);
      file = next;
      view.end();
      showAdded = follower(view, file, 0);
      showAdded();
    }
  } finally {
    closeSync(file);
    view.end();
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** @returns how much of the file has been shown, in bytes */
function showTail(view: LogView, file: number, lines: number): number {
  const { size } = fstatSync(file);
  const text = readBytes(file, Math.max(0, size - TAIL_BYTES), size).toString('utf8');
  const all = text.replace(/\n$/, '').split('\n');
  const shown = lines === 0 || text === '' ? [] : all.slice(-lines);
  if (shown.length > 0) view.show(`${shown.join('\n')}\n`);
  return size;
}

/** @returns prints, whenever it is called, what was added since; a file that was cut short is shown from its start */
function follower(view: LogView, file: number, from: number): () => void {
  // A character may arrive in two parts.
  const decoder = new StringDecoder('utf8');
  let position = from;
  return () => {
    const { size } = fstatSync(file);
    if (size < position) position = 0;
    while (position < size) {
      const bytes = readBytes(file, position, Math.min(size, position + TAIL_BYTES));
      if (bytes.length === 0) return;
      view.show(decoder.write(bytes));
      position += bytes.length;
    }
  };
}

function readBytes(file: number, from: number, to: number): Buffer {
  const buffer = Buffer.alloc(to - from);
  return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, from));
}

/** Prints the journal's lines of a unit; the agent logs JSON there, which is shown as `TIME LEVEL message`. */
export async function showJournal(ctx: CliContext, unit: string, options: ShowOptions): Promise<void> {
  const { lines, follow = false } = options;
  const view = logView(ctx, options, unit);
  requireProgram('journalctl', process.env['PATH']);
  const journal = execa(
    'journalctl',
    ['--unit', unit, '--output', 'cat', '--no-pager', '--lines', String(lines), ...(follow ? ['--follow'] : [])],
    { stdin: 'ignore', stderr: 'pipe', buffer: { stdout: false }, reject: false, cancelSignal: ctx.interrupted },
  );
  for await (const line of createInterface({ input: journal.stdout })) view.line(readableLine(line));
  const ended = await journal;
  if (ended.failed && !ended.isCanceled) {
    throw new SlipwayError('CLI_NO_LOGS', `journalctl could not show ${unit}: ${ended.stderr || ended.shortMessage}`, {
      cause: ended,
    });
  }
}

/** `{"timestamp":…,"level":…,"message":…,…}` → `2026-01-31T14:05:09.123Z WARN  poll failed {"failures":1}`; other text as it is. */
export function readableLine(line: string): string {
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof record !== 'object' || record === null || !('message' in record)) return line;
  const { timestamp, level, message, ...rest } = record as Record<string, unknown>;
  const fields = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  return `${String(timestamp ?? '')} ${String(level ?? '')
    .toUpperCase()
    .padEnd(5)} ${String(message)}${fields}`.trimStart();
}
