/** Alarms of CloudWatch: DescribeAlarms for up to 100 names a call. */
import type { CloudWatch, DescribeAlarmsOutput } from '@aws-sdk/client-cloudwatch';
import type { AlarmReading } from '../alarm.ts';
import type { ReadCloudWatch } from '../alarms.ts';
import { whyInWords } from './aws-error.ts';

/** As many as one call takes. */
const MAX_NAMES = 100;

/** @param clientIn the client of a region */
export function createCloudWatchReader(clientIn: (region: string) => Promise<CloudWatch>): ReadCloudWatch {
  return together(async (region, names, signal) => {
    const chunks = Array.from({ length: Math.ceil(names.length / MAX_NAMES) }, (_, index) =>
      names.slice(index * MAX_NAMES, (index + 1) * MAX_NAMES),
    );
    const readings = await Promise.all(
      chunks.map(async (chunk) => {
        try {
          const states = await statesOf(await clientIn(region), chunk, signal);
          return chunk.map((name) => [name, readingOf(name, states.get(name), region)] as const);
        } catch (error) {
          const detail = `CloudWatch in ${region} could not be asked: ${whyInWords(error)}`;
          return chunk.map((name) => [name, { state: 'unreadable', detail } satisfies AlarmReading] as const);
        }
      }),
    );
    return new Map<string, AlarmReading>(readings.flat());
  });
}

/** Deployments that are looked at in one turn ask together: CloudWatch gets one call, not one for each of them. */
function together(read: ReadCloudWatch): ReadCloudWatch {
  const open = new Map<string, { readonly names: Set<string>; readonly readings: ReturnType<ReadCloudWatch> }>();
  return (region, names, signal) => {
    const batch = open.get(region);
    for (const name of names) batch?.names.add(name);
    if (batch !== undefined) return batch.readings;
    const all = new Set(names);
    const readings = Promise.resolve().then(() => {
      open.delete(region);
      return read(region, [...all], signal);
    });
    open.set(region, { names: all, readings });
    return readings;
  };
}

interface AlarmState {
  readonly state: string;
  readonly reason: string;
}

/** Returns the states by name; missing alarms are left out. */
async function statesOf(
  client: CloudWatch,
  names: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, AlarmState>> {
  const states = new Map<string, AlarmState>();
  let NextToken: string | undefined;
  do {
    const answer: DescribeAlarmsOutput = await client.describeAlarms(
      {
        AlarmNames: [...names],
        // Unless all are named, only alarms of metrics come back.
        AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'],
        MaxRecords: MAX_NAMES,
        ...(NextToken === undefined ? {} : { NextToken }),
      },
      { abortSignal: signal },
    );
    const { MetricAlarms = [], CompositeAlarms = [], LogAlarms = [] } = answer;
    for (const { AlarmName = '', StateValue = '', StateReason = '' } of [
      ...[...MetricAlarms, ...CompositeAlarms, ...LogAlarms],
    ]) {
      states.set(AlarmName, { state: StateValue, reason: StateReason });
    }
    NextToken = answer.NextToken;
  } while (NextToken !== undefined);
  return states;
}

/** An alarm that has no data yet is none, as in the hosted service. One that there is not is not known to be well. */
function readingOf(name: string, found: AlarmState | undefined, region: string): AlarmReading {
  if (found === undefined) return { state: 'unreadable', detail: `CloudWatch in ${region} has no alarm ${name}` };
  const why = found.reason === '' ? '' : `: ${found.reason}`;
  const detail = `CloudWatch in ${region} says ${found.state}${why}`;
  return { state: found.state === 'ALARM' ? 'alarm' : 'ok', detail };
}
