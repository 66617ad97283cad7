/** All alarms that a server knows: those of its file, and those that CloudWatch has. */
import type { Alarm, AlarmReading, Alarms } from './alarm.ts';

/** An alarm of CloudWatch, which is asked for many at once. */
export interface CloudWatchAlarm {
  readonly region: string;
  /** As CloudWatch has it. */
  readonly name: string;
}

export type KnownAlarm = Alarm | CloudWatchAlarm;

/** Reads alarms of one region by their names there. Never rejects, and answers for each. */
export type ReadCloudWatch = (
  region: string,
  names: readonly string[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, AlarmReading>>;

/**
 * @param known by the names that groups call them
 * @param region where alarms are that are not known; null: there are no others
 */
export function createAlarms(
  known: ReadonlyMap<string, KnownAlarm>,
  region: string | null,
  readCloudWatch: ReadCloudWatch,
): Alarms {
  const find = (name: string): KnownAlarm | null => known.get(name) ?? (region === null ? null : { region, name });
  return {
    has: (name) => find(name) !== null,
    async read(names, signal) {
      const own: (readonly [string, Alarm])[] = [];
      const inCloudWatch: (CloudWatchAlarm & { readonly calledBy: string })[] = [];
      for (const name of names) {
        const alarm = find(name);
        if (typeof alarm === 'function') own.push([name, alarm]);
        else if (alarm !== null) inCloudWatch.push({ ...alarm, calledBy: name });
      }
      const readings = await Promise.all([
        ...own.map(async ([name, alarm]) => [[name, await alarm(signal)]] as const),
        ...[...Map.groupBy(inCloudWatch, (alarm) => alarm.region)].map(async ([place, alarms]) => {
          const found = await readCloudWatch(place, [...new Set(alarms.map(({ name }) => name))], signal);
          return alarms.flatMap(({ calledBy, name }): (readonly [string, AlarmReading])[] => {
            const reading = found.get(name);
            return reading === undefined ? [] : [[calledBy, reading]];
          });
        }),
      ]);
      return new Map(readings.flat());
    },
  };
}
