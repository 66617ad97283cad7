import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { messageOf, SlipwayError } from '../../errors.ts';
import { shellCommand } from '../../system/shell-word.ts';
import { fileFault } from '../../system/system-remedies.ts';
import { pathFrom } from '../../system/working-folder.ts';
import { parseFolder } from '../arguments.ts';
import type { CliContext } from '../context.ts';
import { becomeOwnerOf } from '../key-access.ts';
import { DEFAULT_DATA_DIR } from '../server-options.ts';
import { printResult, type ResultOptions } from '../view/result.ts';

interface FolderOptions extends ResultOptions {
  readonly dataDir: string;
}

interface BackupOptions extends FolderOptions {
  readonly database?: string;
  readonly withBundles?: boolean;
}

/** Where `slipway server install` keeps the service's settings. */
const SETTINGS_FILE = '/etc/slipway/server.env';

export function addBackupCommands(server: Command, ctx: CliContext): void {
  withFolder(server.command('backup').argument('<file>').description('write all that the server needs into one file'))
    .addOption(new Option('--database <url>', 'the server’s PostgreSQL, which is not copied').env('SLIPWAY_DATABASE'))
    .option('--with-bundles', 'the revision store, too')
    .action((file: string, options: BackupOptions) => backUpTo(ctx, pathFrom(ctx.workingDirectory, file), options));
  withFolder(
    server
      .command('restore')
      .argument('<file>')
      .description('make a data folder of a backup; no server runs on it yet'),
  ).action((file: string, options: FolderOptions) => restoreFrom(ctx, pathFrom(ctx.workingDirectory, file), options));
}

function withFolder(command: Command): Command {
  return command
    .addOption(
      new Option('--data-dir <dir>', 'the server’s data folder')
        .env('SLIPWAY_DATA_DIR')
        .argParser(parseFolder)
        .default(DEFAULT_DATA_DIR),
    )
    .option('--json', 'as JSON');
}

async function backUpTo(ctx: CliContext, file: string, options: BackupOptions): Promise<void> {
  const { backUp } = await import('../../server/backup/back-up.ts');
  const dataDir = pathFrom(ctx.workingDirectory, options.dataDir);
  if (existsSync(file)) throw new SlipwayError('CLI_FILE_EXISTS', `${file} is there already; it was left as it is`);
  // Opened first: root gives its rights up below, and the server's user need not be able to write here.
  const fd = openNew(file);
  const folder = openFolder(dirname(file));
  const isDatabaseElsewhere = (options.database ?? '') !== '';
  try {
    const settings = readSettings();
    becomeOwnerOf(dataDir);
    const withBundles = options.withBundles === true;
    const nowMs = ctx.clock.now();
    const { entries, sizeBytes } = backUp({ dataDir, fd, isDatabaseElsewhere, withBundles, settings, nowMs });
    // Its name is to survive a power cut as its content does.
    if (folder !== null) fsyncSync(folder);
    const text = [
      `wrote ${file}: ${entries} files, ${sizeBytes} bytes`,
      'It holds the master key and is as secret as that: who has it can use every access key of the server.',
      ...(isDatabaseElsewhere ? [`The database is PostgreSQL; copy it, too: ${pgDump()}`] : []),
      ...(withBundles ? [] : ['Bundles are not in it; --with-bundles adds them.']),
    ];
    printResult(ctx, options, { file, entries, sizeBytes, hasDatabase: !isDatabaseElsewhere, withBundles }, text);
  } catch (error) {
    discard(file, fd);
    throw error;
  } finally {
    closeSync(fd);
    if (folder !== null) closeSync(folder);
  }
}

/** @returns null: whoever may write in a folder need not be able to read it */
function openFolder(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}

/** Where the server's user may not remove it, an empty file stays, which nobody takes for a backup. */
function discard(file: string, fd: number): void {
  ftruncateSync(fd);
  try {
    rmSync(file, { force: true });
  } catch {
    // It is empty.
  }
}

function pgDump(): string {
  return shellCommand('pg_dump', '--format=custom', '--file=slipway.dump', '--dbname=DATABASE');
}

function openNew(file: string): number {
  try {
    return openSync(file, 'wx', 0o600);
  } catch (cause) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `${file} cannot be written: ${messageOf(cause)}`, fileFault(cause));
  }
}

/** Only root may read it, as a rule. @returns null: it is not there, or not for this user */
function readSettings(): Buffer | null {
  try {
    return readFileSync(SETTINGS_FILE);
  } catch {
    return null;
  }
}

async function restoreFrom(ctx: CliContext, file: string, options: FolderOptions): Promise<void> {
  const { restore } = await import('../../server/backup/restore.ts');
  const dataDir = pathFrom(ctx.workingDirectory, options.dataDir);
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (cause) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', `${file} cannot be read: ${messageOf(cause)}`, fileFault(cause));
  }
  try {
    const { entries, hasDatabase, hasSettings } = restore(fd, dataDir);
    const text = [
      `restored ${dataDir}: ${entries} files`,
      ...(hasDatabase
        ? []
        : ['The database is not in the backup: bring it back with pg_restore before the server starts.']),
      ...(hasSettings ? [`The service’s settings of then are in ${dataDir}/server.env; compare them with yours.`] : []),
      `start the server: ${shellCommand('slipway', 'server', '--data-dir', dataDir)}`,
    ];
    printResult(ctx, options, { dataDir, entries, hasDatabase, hasSettings }, text);
  } finally {
    closeSync(fd);
  }
}
