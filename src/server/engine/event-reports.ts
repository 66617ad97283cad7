/** Reports on lifecycle events by the parties that carry them out, and their effect on the deployment. */
import type { CommandDiagnostics } from '../../protocol/diagnostics.ts';
import type { Clock } from '../../system/clock.ts';
import { noteChangedTargets } from '../store/changed-targets.ts';
import type { Durability } from '../store/durability.ts';
import { type EventEnd, endEvents } from '../store/event-changes.ts';
import { keyOf, updateEvent } from '../store/lifecycle-events.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { diagnosticsOf, lateDiagnosticsOf } from './diagnostics.ts';
import type { Engine } from './engine.ts';

export interface ReportContext {
  readonly store: Store;
  readonly clock: Clock;
  readonly engine: Pick<Engine, 'step'>;
}

export interface Reported<Answer> {
  readonly answer: Answer;
  /** Whether the deployment can go on now. */
  readonly changed: boolean;
}

export interface ReportedOn<Answer> {
  /** Finds the event and locks it, and throws what refuses the reporter; null: the event is gone. */
  find(tx: StoreTransaction): Promise<LifecycleEventRow | null>;
  /** Answer to a report on an event that is gone. */
  readonly answerForUnknown: Answer;
  readonly durability: Durability;
}

/**
 * Does `work` with an event while it is locked, and drives its deployment on if that changed anything. The deployment is not locked: the
 * hosts of a large one report all the time, and would wait for its steps and for each other.
 */
export async function reportOn<Answer>(
  ctx: ReportContext,
  { find, answerForUnknown, durability }: ReportedOn<Answer>,
  work: (tx: StoreTransaction, event: LifecycleEventRow) => Promise<Reported<Answer>>,
): Promise<Answer> {
  const { answer, changedId } = await ctx.store.transaction(async (tx) => {
    const event = await find(tx);
    // Its application may have been deleted: for the reporter that is the end of it, and nothing to worry about.
    if (event === null) return { answer: answerForUnknown, changedId: null };
    const reported = await work(tx, event);
    if (!reported.changed) return { answer: reported.answer, changedId: null };
    await noteChangedTargets(tx, [event]);
    return { answer: reported.answer, changedId: event.deployment_id };
  }, durability);
  if (changedId !== null) await ctx.engine.step(changedId);
  return answer;
}

/** An event that is held, and how it has ended. */
export interface EndedEvent {
  readonly event: LifecycleEventRow;
  readonly status: 'Succeeded' | 'Failed';
  /** null: an outcome without details. */
  readonly reported: CommandDiagnostics | null;
}

/**
 * Notes how events of hosts have ended. The first report counts, and the same one again changes nothing. One for an event that was given up
 * meanwhile is kept with it, for people to read; its result stays.
 *
 * @param ended each event once
 * @returns the commands after which their deployments can go on
 */
export async function endEventsOfHosts(
  tx: StoreTransaction,
  ended: readonly EndedEvent[],
  nowMs: number,
): Promise<ReadonlySet<string>> {
  const ends: EventEnd[] = [];
  for (const { event, status, reported } of ended) {
    if (event.host_command_id === null || event.reported_at_ms !== null) continue;
    if (event.ended_at_ms !== null) await keepLateReport(tx, { event, status, reported }, nowMs);
    else {
      const diagnosticsJson = JSON.stringify(diagnosticsOf(status, reported));
      ends.push({ hostCommandId: event.host_command_id, status, diagnosticsJson });
    }
  }
  const changed = new Set(ends.map(({ hostCommandId }) => hostCommandId));
  const targets = ended.map(({ event }) => event).filter(({ host_command_id: id }) => changed.has(id ?? ''));
  await Promise.all([endEvents(tx, ends, nowMs), noteChangedTargets(tx, targets)]);
  return changed;
}

async function keepLateReport(
  tx: StoreTransaction,
  { event, status, reported }: EndedEvent,
  nowMs: number,
): Promise<void> {
  const diagnostics_json = JSON.stringify(lateDiagnosticsOf(event.diagnostics_json, status, reported));
  await updateEvent(tx, keyOf(event), { reported_at_ms: nowMs, diagnostics_json });
}

/**
 * Does the same for one event, no matter who has carried it out. The deployment is not noted as changed.
 *
 * @returns whether it can go on now
 */
export async function endEvent(tx: StoreTransaction, ended: EndedEvent, nowMs: number): Promise<boolean> {
  const { event, status, reported } = ended;
  if (event.reported_at_ms !== null) return false;
  if (event.ended_at_ms !== null) {
    await keepLateReport(tx, ended, nowMs);
    return false;
  }
  await updateEvent(tx, keyOf(event), {
    status,
    // What fails before it could begin is reported without having begun.
    started_at_ms: event.started_at_ms ?? nowMs,
    ended_at_ms: nowMs,
    reported_at_ms: nowMs,
    diagnostics_json: JSON.stringify(diagnosticsOf(status, reported)),
  });
  return true;
}
