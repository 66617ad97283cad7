/** Repairs before the first poll. */
import { existsSync, readdirSync } from 'node:fs';
import { instructionsDir, pipesFolder } from '../deployment/layout.ts';
import { sweepOwnFolder, sweepSharedFolders } from '../hooks/pipe-folders.ts';
import type { Logger } from '../logging/logger.ts';
import { restartedOutcome } from './diagnostics.ts';
import type { Executors } from './executor/executors.ts';
import type { Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';

export interface RecoveryContext {
  readonly rootDir: string;
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly executors: Pick<Executors, 'recover'>;
  readonly log: Logger;
  /** Where scripts' pipes may be as well; else where everybody may make them. */
  readonly sharedPipeFolders?: readonly string[];
}

/**
 * Ends what a crash has interrupted. The scripts' processes are killed, half-done Installs are put right, and each interrupted command is
 * reported as failed because of the restart. None is ever run again. Outcomes that had not been delivered are sent.
 */
export async function recover(ctx: RecoveryContext): Promise<void> {
  const removed = [...sweepOwnFolder(pipesFolder(ctx.rootDir)), ...(await sweepSharedFolders(ctx.sharedPipeFolders))];
  if (removed.length > 0) ctx.log.info('removed pipes of scripts that an agent which was killed has left', { removed });
  const interrupted = ctx.ledger.inState('running');
  if (interrupted.length > 0 || hasJournals(ctx.rootDir)) {
    ctx.log.warn('the agent was interrupted; putting right what it left', {
      commands: interrupted.map(({ commandName, deploymentId }) => `${commandName} of ${deploymentId}`),
    });
    await ctx.executors.recover(interrupted.map(({ hostCommandIdentifier }) => hostCommandIdentifier));
  }
  for (const { hostCommandIdentifier, commandName } of interrupted) {
    ctx.ledger.finish(hostCommandIdentifier, restartedOutcome(commandName));
  }
  for (const { hostCommandIdentifier } of ctx.ledger.inState('finished')) ctx.outbox.send(hostCommandIdentifier);
}

/** Looked at here, so that a start without anything to put right starts no process for it. */
function hasJournals(rootDir: string): boolean {
  const folder = instructionsDir(rootDir);
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.journal'));
}
