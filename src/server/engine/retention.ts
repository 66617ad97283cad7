/**
 * Deletes what has had its time. Every server of a database does it; what is gone, the others do not find.
 *
 * It works in small transactions with pauses between them, so that nobody waits for it. A crash leaves a part for the next look.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import { deleteAuditEntries } from '../store/audit-entries.ts';
import { deleteOldConsoleSessions } from '../store/console-sessions.ts';
import { deleteOldRecords } from '../store/instances.ts';
import type { Store } from '../store/store.ts';
import { deletionsOfDeployments, deletionsOfDiagnostics, deletionsOfRevisions } from './old-history.ts';

/** How long what has ended is kept; milliseconds. null: for ever. */
export interface RetentionPeriods {
  /** Deployments with their targets and events, from their ends on. */
  readonly deploymentsMs: number | null;
  /** The diagnostics of their events: what scripts wrote. */
  readonly diagnosticsMs: number | null;
  /** Revisions that an application knows, from their last use on. */
  readonly revisionsMs: number | null;
  /** Entries of the audit log. */
  readonly auditMs: number | null;
}

export interface RetentionContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly periods: RetentionPeriods;
}

/** Each step is one transaction that has deleted something. */
export type Deletions = AsyncIterable<void>;

const DAY_MS = 24 * 60 * 60_000;
/** How long the record of a deregistered instance is kept: long enough to ask what became of a host. */
export const RECORD_LIFE_MS = 90 * DAY_MS;
const LOOK_MS = 60 * 60_000;
/** How long the console's sessions are kept after their time, so that an old one is told from one that never was. */
const SESSION_RECORD_MS = DAY_MS;
/** Records for one transaction. */
const BATCH = 200;
/** The pause between two transactions. */
const PAUSE_MS = 100;

/** Begins to delete what is old, at once and every hour. */
export function startRetention(ctx: RetentionContext): Repeated {
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: true }, (signal) => deleteOld(ctx, signal));
}

async function deleteOld(ctx: RetentionContext, signal: AbortSignal): Promise<void> {
  for (const [what, deletions] of allDeletions(ctx)) {
    try {
      for await (const _ of deletions) {
        await ctx.clock.sleep(PAUSE_MS, signal);
        if (signal.aborted) return;
      }
    } catch (error) {
      ctx.log.error(`${what} could not be deleted just now; it is tried again in an hour`, { error });
    }
  }
}

function allDeletions(ctx: RetentionContext): readonly (readonly [what: string, Deletions])[] {
  const { deploymentsMs, diagnosticsMs, revisionsMs, auditMs } = ctx.periods;
  const nowMs = ctx.clock.now();
  const all: (readonly [string, Deletions])[] = [
    ['records of deregistered instances', deletionsOfRecords(ctx, nowMs - RECORD_LIFE_MS)],
    ['old sessions of the console', deletionsOfSessions(ctx, nowMs - SESSION_RECORD_MS)],
  ];
  // Deployments first: their diagnostics go with them.
  if (deploymentsMs !== null) all.push(['old deployments', deletionsOfDeployments(ctx, nowMs - deploymentsMs)]);
  if (diagnosticsMs !== null) all.push(['old diagnostics', deletionsOfDiagnostics(ctx, nowMs - diagnosticsMs)]);
  if (revisionsMs !== null) all.push(['old revisions', deletionsOfRevisions(ctx, nowMs - revisionsMs)]);
  if (auditMs !== null) all.push(['old entries of the audit log', deletionsOfEntries(ctx, nowMs - auditMs)]);
  return all;
}

async function* deletionsOfRecords(ctx: RetentionContext, beforeMs: number): AsyncGenerator<void> {
  for (let deleted = BATCH; deleted === BATCH; ) {
    deleted = await ctx.store.transaction((tx) => deleteOldRecords(tx, beforeMs, BATCH));
    if (deleted > 0) yield;
  }
}

async function* deletionsOfSessions(ctx: RetentionContext, beforeMs: number): AsyncGenerator<void> {
  for (let deleted = BATCH; deleted === BATCH; ) {
    deleted = await ctx.store.transaction((tx) => deleteOldConsoleSessions(tx, beforeMs, BATCH));
    if (deleted > 0) yield;
  }
}

async function* deletionsOfEntries(ctx: RetentionContext, beforeMs: number): AsyncGenerator<void> {
  for (let deleted = BATCH; deleted === BATCH; ) {
    deleted = await ctx.store.transaction((tx) => deleteAuditEntries(tx, beforeMs, BATCH));
    if (deleted > 0) yield;
  }
}
