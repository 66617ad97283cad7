/**
 * Installs that were cut off: which there are, what comes of each, and putting them right. The journal says how far an Install came; what
 * had not become complete is undone, what had is cleared up behind.
 */
import { dirname, join } from 'node:path';
import { anchorFs } from './anchored-fs.ts';
import { bookkeepingPaths, JOURNAL_SUFFIX } from './bookkeeping.ts';
import { discardOld, rollBack } from './commit.ts';
import type { InstallContext } from './context.ts';
import { notRecovered } from './install-fault.ts';
import type { InstallFs } from './install-fs.ts';
import { readJournal, removeJournal } from './journal.ts';

/** Repair of an Install that had been interrupted. */
export interface RecoveredInstall {
  readonly deploymentGroupId: string;
  readonly deploymentId: string;
  readonly outcome: 'rolled-back' | 'completed';
}

/**
 * Puts right the Install of a deployment group that was interrupted; calling it again is harmless. Nobody else may be installing.
 *
 * @param deploymentGroupId null: of all groups
 * @throws SlipwayError INSTALL_NOT_RECOVERED when the disk refuses; the journal stays for the next attempt
 */
export async function recoverInstalls(
  ctx: InstallContext,
  instructionsDir: string,
  deploymentGroupId: string | null = null,
): Promise<readonly RecoveredInstall[]> {
  return interruptedGroups(ctx.fs, instructionsDir)
    .filter((group) => deploymentGroupId === null || group === deploymentGroupId)
    .flatMap((group) => recoverOne(ctx, join(instructionsDir, `${group}${JOURNAL_SUFFIX}`)) ?? []);
}

/** Ids of the deployment groups that have a journal: an Install is under way there, or was cut off. */
export function interruptedGroups(
  fs: Pick<InstallFs, 'existsSync' | 'readdirSync'>,
  instructionsDir: string,
): readonly string[] {
  if (!fs.existsSync(instructionsDir)) return [];
  return fs
    .readdirSync(instructionsDir)
    .flatMap((name) => (name.endsWith(JOURNAL_SUFFIX) ? name.slice(0, -JOURNAL_SUFFIX.length) : []));
}

/** An Install that has not come to its end, and what comes of it when it is put right. */
export interface InterruptedInstall {
  /** null: it had not begun to touch anything. */
  readonly deploymentId: string | null;
  readonly outcome: RecoveredInstall['outcome'];
}

export function interruptedInstall(
  fs: InstallFs,
  instructionsDir: string,
  deploymentGroupId: string,
): InterruptedInstall | null {
  const path = join(instructionsDir, `${deploymentGroupId}${JOURNAL_SUFFIX}`);
  if (!fs.existsSync(path)) return null;
  const journal = readJournal(fs, path);
  return {
    deploymentId: journal?.begin.deploymentId ?? null,
    outcome: journal?.state === 'committed' ? 'completed' : 'rolled-back',
  };
}

/** Whether an Install that was cut off had changed records of other deployment groups, whose files it took over. */
export function hasForeignRecords(fs: InstallFs, instructionsDir: string, deploymentGroupId: string): boolean {
  const own: readonly string[] = Object.values(bookkeepingPaths({ instructionsDir, deploymentGroupId }));
  const commit = readJournal(fs, join(instructionsDir, `${deploymentGroupId}${JOURNAL_SUFFIX}`))?.begin.commit ?? [];
  return commit.some(({ path }) => dirname(path) === instructionsDir && !own.includes(path));
}

function recoverOne(ctx: InstallContext, path: string): RecoveredInstall | null {
  const { fs } = ctx;
  try {
    const journal = readJournal(fs, path);
    if (journal === null) {
      removeJournal(fs, path);
      return null;
    }
    const { begin, state } = journal;
    using anchored = anchorFs(fs, ctx.agentUid);
    if (state === 'committed') discardOld(anchored.fs, ctx.tools, begin);
    else rollBack(anchored.fs, ctx.tools, begin, state);
    removeJournal(fs, path);
    const { deploymentGroupId, deploymentId } = begin;
    const outcome = state === 'committed' ? 'completed' : 'rolled-back';
    ctx.log.warn(`an interrupted Install was ${outcome}`, { deploymentGroupId, deploymentId, state });
    return { deploymentGroupId, deploymentId, outcome };
  } catch (cause) {
    throw notRecovered(cause, `the interrupted Install of ${path} could not be put right`);
  }
}
