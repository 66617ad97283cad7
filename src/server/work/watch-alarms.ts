/**
 * Reads the alarms of deployments that are not over, and stops those of which one is active.
 *
 * Each reading is noted with its deployment, so that several servers do not all ask. A deployment begins once its alarms have been read for
 * the first time. The stop itself is a row like any other: a crash before it leaves the reading to be made again.
 */
import type { Logger } from '../../logging/logger.ts';
import { aborted } from '../../system/aborted.ts';
import type { Clock } from '../../system/clock.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import { type Reading, stoppingAlarm, type WatchedAlarms } from '../engine/alarms.ts';
import type { Engine } from '../engine/engine.ts';
import type { Alarms } from '../outside/alarm.ts';
import { deploymentsToWatch, FINAL_STATUSES, lockDeployment, updateDeployment } from '../store/deployments.ts';
import { storableText } from '../store/foreign-text.ts';
import type { Store } from '../store/store.ts';

export interface AlarmWatchContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly engine: Pick<Engine, 'step'>;
  readonly alarms: Alarms;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often it looks for deployments whose alarms are to be read; a deployment that begins waits so long. */
const LOOK_MS = 1_000;
/** How old a reading may be. */
export const READING_MS = 10_000;
const TRIES = 3;
const PAUSE_MS = 1_000;
const READ_LIMIT_MS = 5_000;
/** A look waits no longer for slow alarms: the next one begins, for other deployments. */
const SLOW_MS = 3_000;

export function startAlarmWatch(ctx: AlarmWatchContext): Repeated {
  let failures = 0;
  const closing = new AbortController();
  const noteFailure = (error: unknown) => {
    failures += 1;
    // Said once: a database that is down stays down for many looks.
    if (failures === 1) ctx.log.error('alarms could not be looked at just now; it is tried again', { error });
  };
  /** Deployments whose alarms are being read: those with a slow alarm hold up no other. */
  const reading = new Map<string, Promise<void>>();
  const watch = repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: false }, async () => {
    try {
      const due = await deploymentsToWatch(ctx.store.db, ctx.clock.now() - READING_MS);
      const read = readOnce(ctx, closing.signal);
      for (const { deployment_id: id, alarms_json } of due) {
        if (reading.has(id)) continue;
        const work = readAndNote(ctx, id, JSON.parse(alarms_json) as WatchedAlarms, read, closing.signal)
          .catch(noteFailure)
          .finally(() => reading.delete(id));
        reading.set(id, work);
      }
      const slow = aborted(AbortSignal.any([closing.signal, AbortSignal.timeout(SLOW_MS)]));
      await Promise.race([Promise.all(reading.values()), slow]);
      failures = 0;
    } catch (error) {
      noteFailure(error);
    }
  });
  return {
    async close() {
      closing.abort();
      await watch.close();
      await Promise.all(reading.values());
    },
  };
}

type Read = (names: readonly string[]) => Promise<ReadonlyMap<string, Reading>>;

/** Reads the same alarms once for all deployments of one look that watch them. */
function readOnce(ctx: AlarmWatchContext, signal: AbortSignal): Read {
  const begun = new Map<string, ReturnType<Read>>();
  return (names) => {
    const key = JSON.stringify([...names].sort());
    const read = begun.get(key) ?? readPatiently(ctx, names, signal);
    begun.set(key, read);
    return read;
  };
}

async function readAndNote(
  ctx: AlarmWatchContext,
  deploymentId: string,
  alarms: WatchedAlarms,
  read: Read,
  signal: AbortSignal,
): Promise<void> {
  const readings = await read(alarms.names);
  if (!signal.aborted) await note(ctx, deploymentId, stoppingAlarm(alarms, readings));
}

/** A reading without an answer is made again: one lost packet is not to stop a deployment. */
async function readPatiently(
  { alarms, clock }: Pick<AlarmWatchContext, 'alarms' | 'clock'>,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Reading>> {
  const readings = new Map<string, Reading>();
  let left = names;
  for (let tries = 1; left.length > 0; tries += 1) {
    const found = await alarms.read(left, AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]));
    for (const [name, reading] of found) readings.set(name, reading);
    left = [...found].filter(([, one]) => one.state === 'unreadable' || one.isSilence === true).map(([name]) => name);
    if (tries === TRIES || signal.aborted) break;
    if (left.length > 0) await clock.sleep(PAUSE_MS, signal);
  }
  return readings;
}

async function note(ctx: AlarmWatchContext, deploymentId: string, stopped: string | null): Promise<void> {
  const nowMs = ctx.clock.now();
  const goesOn = await ctx.store.transaction(async (tx) => {
    const deployment = await lockDeployment(tx, deploymentId);
    // Somebody's stop comes first: what they said about a rollback counts.
    if (deployment === null || FINAL_STATUSES.includes(deployment.status)) return false;
    if (deployment.stop_requested_at_ms !== null) return false;
    const isFirst = deployment.alarms_read_at_ms === null;
    const stop = stopped === null ? {} : { stop_requested_at_ms: nowMs, stopped_by_alarm: storableText(stopped) };
    const isNews = isFirst || stopped !== null;
    const changes = { alarms_read_at_ms: nowMs, ...stop, ...(isNews ? { wake_at_ms: nowMs } : {}) };
    await updateDeployment(tx, deploymentId, changes);
    return isNews;
  });
  if (stopped !== null && goesOn) ctx.log.warn('an alarm stops a deployment', { deploymentId, why: stopped });
  if (goesOn) await ctx.engine.step(deploymentId);
}
