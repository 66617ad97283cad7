/**
 * What this host was told to do, and how it ended: on disk, before anything starts.
 *
 *   begin      before the acknowledgement: from here on the command has an outcome, whatever happens to the process
 *   finish     the outcome is known; it is kept until the control endpoint has it
 *   settle     the endpoint has it; kept an hour more, to answer a command that is delivered again
 *
 * One file a command. Beside it stands the official agent's tracking file, one a deployment, for the tools that look at it. A file that
 * cannot be read never blocks the start. Folders that are deleted while the agent runs are made anew, with all that is known. A disk that is
 * full keeps a command from beginning, and from then on nothing: what is known is kept in memory, and the endpoint is told.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type FolderModes, folderModes } from '../deployment/folder-modes.ts';
import { messageOf, SlipwayError } from '../errors.ts';
import type { Logger } from '../logging/logger.ts';
import { saySeldom } from '../logging/seldom.ts';
import type { CommandOutcome } from '../protocol/diagnostics.ts';
import type { Clock } from '../system/clock.ts';
import { removeUnfinished, writeFileDurably } from '../system/durable-file.ts';
import { isFolderGone, ledgerFolders } from './ledger-folders.ts';

export interface CommandRecord {
  readonly hostCommandIdentifier: string;
  readonly deploymentId: string;
  readonly commandName: string;
  readonly state: 'running' | 'finished' | 'settled';
  readonly outcome: CommandOutcome | null;
  readonly changedAtMs: number;
}

export interface Ledger {
  find(hostCommandIdentifier: string): CommandRecord | null;
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
/** What is older is of no use to anybody any more. @see the official agent 1.8.1, `deployment_command_tracker.rb` */
const KEPT_MS = 24 * 60 * 60 * 1000;

/** The agent takes about one command a second from a server that floods it: these are more than come while an order is valid. */
const MAX_RECORDS = 4_000;
const DISK_TRIES = 5;

export interface LedgerContext {
  readonly rootDir: string;
  readonly trackingFolder: string;
  /** How many commands are remembered at most; those that run are remembered in any case. */
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
  const records = readRecords(ctx, folder);
  adoptTrackingFiles(ctx, tracking, records);

  // Identifiers are the server's text and may hold anything; a file's name must not.
  const fileOf = (id: string) => join(folder, `${createHash('sha256').update(id).digest('hex').slice(0, 32)}.json`);
  const writeRecord = (record: CommandRecord) =>
    writeFileDurably(fileOf(record.hostCommandIdentifier), JSON.stringify(record));
  const track = ({ deploymentId, hostCommandIdentifier }: CommandRecord) =>
    writeFileDurably(join(tracking, deploymentId), hostCommandIdentifier);
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
  const asFarAsThereIsADisk = (work: () => void) => {
    try {
      work();
    } catch (error) {
      ctx.log.error('what became of a command cannot be noted down; it is known for as long as the agent runs', {
        folder,
        error,
      });
    }
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
      if (age > KEPT_MS || (record.state === 'settled' && age > SETTLED_KEPT_MS)) remove(record.hostCommandIdentifier);
    }
    for (const record of beyondLimit([...records.values()], ctx.maxRecords ?? MAX_RECORDS))
      remove(record.hostCommandIdentifier);
  };
  asFarAsThereIsADisk(dropOld);

  return {
    find: (id) => records.get(id) ?? null,
    inState: (state) =>
      [...records.values()].filter((record) => record.state === state).sort((a, b) => a.changedAtMs - b.changedAtMs),
    begin(command) {
      asFarAsThereIsADisk(dropOld);
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
      asFarAsThereIsADisk(() => write({ ...record, state: 'finished', outcome, changedAtMs: ctx.clock.now() }));
      asFarAsThereIsADisk(() => untrack(record));
    },
    settle(id) {
      const record = records.get(id);
      if (record === undefined) return;
      asFarAsThereIsADisk(() => write({ ...record, state: 'settled', changedAtMs: ctx.clock.now() }));
    },
    withdraw(id) {
      const record = records.get(id);
      if (record === undefined) return;
      asFarAsThereIsADisk(() => write({ ...record, state: 'settled', changedAtMs: ctx.clock.now() }));
      asFarAsThereIsADisk(() => untrack(record));
    },
  };
}

/** What has to go so that one more fits: the oldest that the endpoint has, then the oldest that it does not have; nothing that runs. */
function beyondLimit(records: readonly CommandRecord[], limit: number): readonly CommandRecord[] {
  const excess = records.length + 1 - limit;
  if (excess <= 0) return [];
  const inState = (state: CommandRecord['state']) =>
    records.filter((record) => record.state === state).sort((a, b) => a.changedAtMs - b.changedAtMs);
  return [...inState('settled'), ...inState('finished')].slice(0, excess);
}

/** Outcomes that the control endpoint does not have yet, without touching anything: the agent may be at work. */
export function countUndelivered(rootDir: string): number {
  const folder = commandsDir(rootDir);
  if (!existsSync(folder)) return 0;
  const isFinished = (name: string) => {
    try {
      return (JSON.parse(readFileSync(join(folder, name), 'utf8')) as CommandRecord).state === 'finished';
    } catch {
      return false;
    }
  };
  return readdirSync(folder).filter((name) => name.endsWith('.json') && isFinished(name)).length;
}

function commandsDir(rootDir: string): string {
  return join(rootDir, '.slipway', 'commands');
}

function readRecords(ctx: LedgerContext, folder: string): Map<string, CommandRecord> {
  const records = new Map<string, CommandRecord>();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
    try {
      const record = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CommandRecord;
      records.set(record.hostCommandIdentifier, record);
    } catch (error) {
      ctx.log.warn('a record of a command cannot be read and is left out', { file: join(folder, name), error });
      rmSync(join(folder, name), { force: true });
    }
  }
  return records;
}

/** Commands that another agent was running here before this one took its place. */
function adoptTrackingFiles(ctx: LedgerContext, tracking: string, records: Map<string, CommandRecord>): void {
  for (const entry of readdirSync(tracking, { withFileTypes: true })) {
    const file = join(tracking, entry.name);
    if (!entry.isFile() || !existsSync(file)) continue;
    const hostCommandIdentifier = readFileSync(file, 'utf8').trim();
    const { mtimeMs } = statSync(file);
    if (hostCommandIdentifier === '' || ctx.clock.now() - mtimeMs > KEPT_MS) {
      rmSync(file, { force: true });
    } else if (!records.has(hostCommandIdentifier)) {
      const command = { hostCommandIdentifier, deploymentId: entry.name, commandName: '' };
      records.set(hostCommandIdentifier, { ...command, state: 'running', outcome: null, changedAtMs: mtimeMs });
    }
  }
}
