/**
 * Commands that this host was given, and how they ended: on disk, before anything starts.
 *
 *   begin      before the acknowledgement: from here on the command has an outcome, whatever happens to the process
 *   finish     the outcome is known; it is kept until the control endpoint has it
 *   settle     the endpoint has it; it is kept an hour more, to answer a command that is delivered again
 *
 * Nobody waits until the last two are on the disk. A power cut before `finish` is there leaves an interrupted command, as if it had come a
 * moment sooner. A power cut before `settle` is there may bring back the outcome, which is then sent once more. It may also leave a file
 * that counts as unreadable.
 *
 * One file a command (`ledger-file.ts`). Beside it stands the official agent's tracking file, one a deployment. Tools look at it while this
 * machine runs, so nobody waits until it is on the disk. A file that cannot be read never blocks the start. Folders that are deleted while
 * the agent runs are made anew, with all that is known. A disk that is full keeps a command from beginning, but stops nothing later: the
 * facts are kept in memory, and the endpoint is told.
 */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type FolderModes, folderModes } from '../deployment/folder-modes.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import { saySeldom } from '../logging/seldom.ts';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import { CLOCK_SKEW_MS, LONGEST_ORDER_LIFE_MS } from '../protocol/order.ts';
import { COMMAND_ID_BYTES, problemOfText } from '../protocol/wire-text.ts';
import type { Clock } from '../system/clock.ts';
import { appendText, removeUnfinished, replaceFile, writeFileDurably } from '../system/durable-file.ts';
import { lostOutcome } from './diagnostics.ts';
import { type CommandRecord, countFinished, encodeRecord, keepable, readRecords, recordName } from './ledger-file.ts';
import { isFolderGone, ledgerFolders } from './ledger-folders.ts';

export type { CommandRecord };

export interface Ledger {
  /** A command whose record cannot be read any more counts as one that has failed: it is not run again. */
  find(hostCommandIdentifier: string): CommandRecord | null;
  /** Whether so many more commands can be noted down without forgetting one that may still come again, or is not reported yet. */
  hasRoomFor(commands: number): boolean;
  /** Records in a state, oldest first. */
  inState(state: CommandRecord['state']): readonly CommandRecord[];
  /** @throws SlipwayError DEPLOYMENT_ROOT_UNUSABLE: the command must not be run; its failure can be noted as of any other */
  begin(command: Pick<CommandRecord, 'hostCommandIdentifier' | 'deploymentId' | 'commandName'>): void;
  finish(hostCommandIdentifier: string, outcome: CommandOutcome): void;
  settle(hostCommandIdentifier: string): void;
  /** The endpoint does not want the command run. It is remembered without an outcome, so that no replayed answer runs it later. */
  withdraw(hostCommandIdentifier: string): void;
}

/** Longer than any order is valid (`LONGEST_ORDER_LIFE_MS` and the skew of clocks): what has ended is not run again. */
const SETTLED_KEPT_MS = 60 * 60 * 1000;
/**
 * Age in ms from which a record is of no use to anybody.
 *
 * @see the official agent 1.8.1, `deployment_command_tracker.rb`
 */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** A command that has ended may come again for as long as its order is valid. */
const NEEDED_MS = LONGEST_ORDER_LIFE_MS + CLOCK_SKEW_MS;
/** More than a server has for one host while an order is valid. */
const MAX_RECORDS = 4_000;
/** A tracking file holds one identifier. */
const MAX_TRACKING_BYTES = 4_096;
const DISK_TRIES = 5;

export interface LedgerContext {
  readonly rootDir: string;
  readonly trackingFolder: string;
  /** How many commands are remembered at most. */
  readonly maxRecords?: number;
  /** Modes of folders that are made. */
  readonly folderModes?: FolderModes;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

export function openLedger(ctx: LedgerContext): Ledger {
  const folder = commandsDir(ctx.rootDir);
  const tracking = join(ctx.rootDir, ctx.trackingFolder);
  const folders = ledgerFolders(ctx.rootDir, [folder, tracking], ctx.folderModes ?? folderModes(false));
  const saySometimes = saySeldom(ctx.log, ctx.clock);
  folders.renew();
  for (const own of [folder, tracking]) removeUnfinished(own);
  const most = ctx.maxRecords ?? MAX_RECORDS;
  const found = readRecords(folder, {
    ...{ nowMs: ctx.clock.now(), most, marksKeptMs: KEPT_MS },
    onUnreadable: (file, why) =>
      saySometimes('a record of a command cannot be read; it is not run again', { file, why }),
  });
  const records = new Map(found.records);
  const unreadable = new Set(found.unreadable);
  adoptTrackingFiles(ctx, tracking, records, most);
  for (const id of records.keys()) unreadable.delete(recordName(id));

  const fileOf = (id: string) => join(folder, recordName(id));
  const writeRecord = (record: CommandRecord) =>
    writeFileDurably(fileOf(record.hostCommandIdentifier), encodeRecord(record));
  const track = ({ deploymentId, hostCommandIdentifier }: CommandRecord) =>
    replaceFile(join(tracking, deploymentId), hostCommandIdentifier);
  let isLost = false;
  const writeAll = () => {
    saySometimes('a folder that commands are noted down in was deleted; it is made anew, with all that is known', {
      folders: [folder, tracking],
      commands: records.size,
    });
    const all = [...records.values()].sort((a, b) => a.changedAtMs - b.changedAtMs);
    for (const record of all) writeRecord(record);
    for (const record of all) if (record.state === 'running') track(record);
    isLost = false;
  };
  const onDisk = (work: () => void) => {
    for (let tries = 1; ; tries += 1) {
      try {
        isLost = folders.renew() || isLost;
        if (isLost) writeAll();
        work();
        return;
      } catch (error) {
        // The folder may go again at any instant.
        if (tries === DISK_TRIES || !isFolderGone(error)) throw error;
      }
    }
  };
  const write = (record: CommandRecord) => {
    records.set(record.hostCommandIdentifier, record);
    onDisk(() => writeRecord(record));
  };
  const remove = (id: string) => {
    records.delete(id);
    rmSync(fileOf(id), { force: true });
  };
  const sayNotNoted = (error: unknown) => {
    ctx.log.error('what became of a command cannot be noted down; it is known for as long as the agent runs', {
      folder,
      error,
    });
  };
  const asFarAsThereIsADisk = (work: () => void) => {
    try {
      work();
    } catch (error) {
      sayNotNoted(error);
    }
  };
  const addToRecord = (record: CommandRecord) => {
    const { hostCommandIdentifier: id } = record;
    records.set(id, record);
    // Behind a part of another line, it is none of its.
    onDisk(() => void appendText(fileOf(id), `\n${encodeRecord(record)}`).catch(sayNotNoted));
  };
  /** The file goes with the deployment's last command; until then it names one that runs. */
  const untrack = ({ deploymentId }: CommandRecord) => {
    const file = join(tracking, deploymentId);
    const running = [...records.values()].filter((one) => one.deploymentId === deploymentId && one.state === 'running');
    const newest = running.sort((a, b) => b.changedAtMs - a.changedAtMs)[0];
    onDisk(() => (newest === undefined ? rmSync(file, { force: true }) : track(newest)));
  };
  const dropOld = () => {
    const now = ctx.clock.now();
    for (const record of records.values()) {
      const age = now - record.changedAtMs;
      const isOld = age > KEPT_MS && record.state !== 'running';
      if (isOld || (record.state === 'settled' && age > SETTLED_KEPT_MS)) remove(record.hostCommandIdentifier);
    }
  };
  const size = () => records.size + unreadable.size;
  const hasRoomFor = (commands: number) => {
    asFarAsThereIsADisk(dropOld);
    const now = ctx.clock.now();
    for (const record of unneeded([...records.values()], size() + commands - most, now)) {
      asFarAsThereIsADisk(() => remove(record.hostCommandIdentifier));
    }
    return size() + commands <= most;
  };
  /** Makes a record for a command of which only a name is left. */
  const findLost = (id: string): CommandRecord | null => {
    if (!unreadable.delete(recordName(id))) return null;
    const command = { hostCommandIdentifier: id, deploymentId: 'unknown', commandName: '' };
    const lost: CommandRecord = { ...command, state: 'finished', outcome: lostOutcome(), changedAtMs: ctx.clock.now() };
    asFarAsThereIsADisk(() => write(lost));
    return lost;
  };
  // What ran that long ago ended with an agent that is gone.
  for (const { hostCommandIdentifier: id, changedAtMs } of records.values())
    if (ctx.clock.now() - changedAtMs > KEPT_MS) asFarAsThereIsADisk(() => remove(id));
  hasRoomFor(0);

  return {
    find: (id) => records.get(id) ?? findLost(id),
    hasRoomFor,
    inState: (state) =>
      [...records.values()].filter((record) => record.state === state).sort((a, b) => a.changedAtMs - b.changedAtMs),
    begin(command) {
      if (!records.has(command.hostCommandIdentifier) && !hasRoomFor(1)) {
        throw new SlipwayError(
          'DEPLOYMENT_ROOT_UNUSABLE',
          `${most} commands are noted down in ${folder}, and none of them may be forgotten yet; this one is not run`,
          { remedy: 'Wait: what has been reported is forgotten after 35 minutes. See why the server sends so many.' },
        );
      }
      try {
        const record: CommandRecord = { ...command, state: 'running', outcome: null, changedAtMs: ctx.clock.now() };
        write(record);
        onDisk(() => track(record));
      } catch (cause) {
        throw new SlipwayError(
          'DEPLOYMENT_ROOT_UNUSABLE',
          `the command cannot be noted down in ${folder}, so it is not run: ${messageOf(cause)}`,
          { cause },
        );
      }
    },
    finish(id, outcome) {
      const record = records.get(id);
      if (record === undefined) return;
      asFarAsThereIsADisk(() =>
        addToRecord({ ...record, state: 'finished', outcome: keepable(outcome), changedAtMs: ctx.clock.now() }),
      );
      asFarAsThereIsADisk(() => untrack(record));
    },
    settle(id) {
      const record = records.get(id);
      if (record === undefined) return;
      const settled: CommandRecord = { ...record, state: 'settled', changedAtMs: ctx.clock.now() };
      records.set(id, settled);
      asFarAsThereIsADisk(() => onDisk(() => replaceFile(fileOf(id), encodeRecord(settled))));
    },
    withdraw(id) {
      const record = records.get(id);
      if (record === undefined) return;
      asFarAsThereIsADisk(() => write({ ...record, state: 'settled', changedAtMs: ctx.clock.now() }));
      asFarAsThereIsADisk(() => untrack(record));
    },
  };
}

/** The oldest of those that the endpoint has and cannot send again. */
function unneeded(records: readonly CommandRecord[], excess: number, nowMs: number): readonly CommandRecord[] {
  if (excess <= 0) return [];
  return records
    .filter(({ state, changedAtMs }) => state === 'settled' && nowMs - changedAtMs > NEEDED_MS)
    .sort((a, b) => a.changedAtMs - b.changedAtMs)
    .slice(0, excess);
}

/** Outcomes that the control endpoint does not have yet, without touching anything: the agent may be at work. */
export function countUndelivered(rootDir: string): number {
  const folder = commandsDir(rootDir);
  return existsSync(folder) ? countFinished(folder) : 0;
}

function commandsDir(rootDir: string): string {
  return join(rootDir, '.slipway', 'commands');
}

/** Commands that another agent was running here before this one took its place. */
function adoptTrackingFiles(
  ctx: LedgerContext,
  tracking: string,
  records: Map<string, CommandRecord>,
  most: number,
): void {
  for (const entry of readdirSync(tracking, { withFileTypes: true })) {
    const file = join(tracking, entry.name);
    if (!entry.isFile() || !existsSync(file)) continue;
    const { mtimeMs, size } = statSync(file);
    const hostCommandIdentifier = size > MAX_TRACKING_BYTES ? '' : readFileSync(file, 'utf8').trim();
    const isIdentifier =
      hostCommandIdentifier !== '' && problemOfText(hostCommandIdentifier, COMMAND_ID_BYTES) === null;
    if (!isIdentifier || ctx.clock.now() - mtimeMs > KEPT_MS) {
      rmSync(file, { force: true });
      continue;
    }
    const known = records.get(hostCommandIdentifier);
    // A crash came before its file was removed, or a power cut has brought that back. Later, when the record is forgotten, the file would
    // be taken for a command that runs. Processes that its scripts have started would be killed, and a failure reported.
    if (known !== undefined && known.state !== 'running') rmSync(file, { force: true });
    if (known === undefined && records.size < most) {
      const command = { hostCommandIdentifier, deploymentId: entry.name, commandName: '' };
      records.set(hostCommandIdentifier, { ...command, state: 'running', outcome: null, changedAtMs: mtimeMs });
    }
  }
}
