/** Effect of alarm readings on a deployment that watches the alarms. Pure. */

/** Alarms that a deployment watches, as they were when it was created. */
export interface WatchedAlarms {
  readonly names: readonly string[];
  /** Whether the deployment goes on while an alarm cannot be read. */
  readonly ignoresUnreadable: boolean;
}

export interface Reading {
  readonly state: 'ok' | 'alarm' | 'unreadable';
  readonly detail: string;
}

/** A member of the API's shapes. */
export interface AlarmConfiguration {
  readonly enabled?: boolean | undefined;
  readonly ignorePollAlarmFailure?: boolean | undefined;
  readonly alarms?: readonly { readonly name?: string | undefined }[] | undefined;
}

/** @param override of the deployment itself; takes the place of the group's @returns null: none is watched */
export function watchedAlarms(
  ofGroup: AlarmConfiguration | undefined,
  override: AlarmConfiguration | undefined,
): WatchedAlarms | null {
  const { enabled, ignorePollAlarmFailure, alarms = [] } = override ?? ofGroup ?? {};
  if (enabled !== true || alarms.length === 0) return null;
  return { names: alarms.flatMap(({ name }) => name ?? []), ignoresUnreadable: ignorePollAlarmFailure === true };
}

/** @returns why the deployment is stopped; null: it goes on */
export function stoppingAlarm(watched: WatchedAlarms, readings: ReadonlyMap<string, Reading>): string | null {
  const seen = watched.names.map((name) => ({ name, ...(readings.get(name) ?? NO_READING) }));
  const active = seen.find(({ state }) => state === 'alarm');
  if (active !== undefined) return `The alarm ${active.name} is active: ${active.detail}.`;
  const unreadable = seen.find(({ state }) => state === 'unreadable');
  if (unreadable === undefined || watched.ignoresUnreadable) return null;
  return `The alarm ${unreadable.name} could not be read: ${unreadable.detail}; ignorePollAlarmFailure is not set.`;
}

const NO_READING: Reading = { state: 'unreadable', detail: 'the server’s file of alarms (--alarms) does not have it' };
