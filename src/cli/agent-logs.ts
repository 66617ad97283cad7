import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { SlipwayError } from '../errors.ts';
import type { CliContext } from './context.ts';

/** How often a followed file is looked at. */
const FOLLOW_MS = 250;
/** How much of a file's end is read to find its last lines; a line beyond it is cut. */
const TAIL_BYTES = 1024 * 1024;

/** The scripts' log of one deployment, in whichever deployment group's folder it is. */
export function findDeploymentLog(rootDir: string, deploymentId: string): string {
  const found = deploymentLogs(rootDir).find((log) => log.deploymentId === deploymentId);
  if (found === undefined) {
    throw new SlipwayError('CLI_NO_LOGS', `no deployment ${deploymentId} has left a script log below ${rootDir}`);
  }
  return found.file;
}

/** The scripts' log that was written to last. */
export function findLatestDeploymentLog(rootDir: string): string {
  const [newest] = deploymentLogs(rootDir).sort((a, b) => b.modifiedMs - a.modifiedMs);
  if (newest === undefined)
    throw new SlipwayError('CLI_NO_LOGS', `no deployment has left a script log below ${rootDir}`);
  return newest.file;
}

function deploymentLogs(rootDir: string): { deploymentId: string; file: string; modifiedMs: number }[] {
  return foldersOf(rootDir).flatMap((group) =>
    foldersOf(join(rootDir, group)).flatMap((deploymentId) => {
      const file = join(rootDir, group, deploymentId, 'logs/scripts.log');
      return existsSync(file) ? [{ deploymentId, file, modifiedMs: statSync(file).mtimeMs }] : [];
    }),
  );
}

function foldersOf(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

/** Prints the last lines of a file; with `follow` also what is added, through rotations, until the person interrupts. */
export async function showFile(ctx: CliContext, path: string, lines: number, follow: boolean): Promise<void> {
  if (!existsSync(path)) throw new SlipwayError('CLI_NO_LOGS', `${path} does not exist`);
  let position = showTail(ctx, path, lines);
  while (follow && !ctx.interrupted.aborted) {
    await ctx.clock.sleep(FOLLOW_MS, ctx.interrupted);
    position = showAdded(ctx, path, position);
  }
}

interface FilePosition {
  readonly inode: number;
  readonly bytes: number;
}

function showTail(ctx: CliContext, path: string, lines: number): FilePosition {
  const file = openSync(path, 'r');
  try {
    const { size, ino } = fstatSync(file);
    const text = readText(file, Math.max(0, size - TAIL_BYTES), size);
    const all = text.replace(/\n$/, '').split('\n');
    const shown = lines === 0 || text === '' ? [] : all.slice(-lines);
    if (shown.length > 0) ctx.stdout.write(`${shown.join('\n')}\n`);
    return { inode: ino, bytes: size };
  } finally {
    closeSync(file);
  }
}

/** Prints what was added since `since`; a file that was replaced or cut short is shown from its start. */
function showAdded(ctx: CliContext, path: string, since: FilePosition): FilePosition {
  if (!existsSync(path)) return since;
  const file = openSync(path, 'r');
  try {
    const { size, ino } = fstatSync(file);
    const from = ino === since.inode && size >= since.bytes ? since.bytes : 0;
    if (size > from) ctx.stdout.write(readText(file, from, size));
    return { inode: ino, bytes: size };
  } finally {
    closeSync(file);
  }
}

function readText(file: number, from: number, to: number): string {
  const buffer = Buffer.alloc(to - from);
  const read = readSync(file, buffer, 0, buffer.length, from);
  return buffer.toString('utf8', 0, read);
}

/** Prints the journal's lines of a unit; the agent logs JSON there, which is shown as `TIME LEVEL message`. */
export async function showJournal(ctx: CliContext, unit: string, lines: number, follow: boolean): Promise<void> {
  const journal = execa(
    'journalctl',
    ['--unit', unit, '--output', 'cat', '--no-pager', '--lines', String(lines), ...(follow ? ['--follow'] : [])],
    { stdin: 'ignore', stderr: 'pipe', buffer: { stdout: false }, reject: false, cancelSignal: ctx.interrupted },
  );
  for await (const line of createInterface({ input: journal.stdout })) ctx.stdout.write(`${readableLine(line)}\n`);
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
