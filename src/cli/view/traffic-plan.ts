/** The calls that a deployment to a function would make, in their order. Pure. */
import type { LambdaAppSpec } from '../../appspec/resources/types.ts';
import { scheduleOf, type TrafficRouting } from '../../server/engine/shifting/schedule.ts';

export interface PlannedCall {
  /** Lifecycle event; null: before the first one. */
  readonly event: string | null;
  /** Minutes after the beginning of AllowTraffic; null: of another event. */
  readonly minute: number | null;
  readonly call: string;
}

/** Answers of hooks and of Lambda are taken to be good. */
export function plannedCalls(spec: LambdaAppSpec, routing: TrafficRouting): readonly PlannedCall[] {
  const { functionName, alias, currentVersion, targetVersion } = spec;
  const name = `${functionName}:${alias}`;
  const { steps, intervalMs } = scheduleOf(routing, 1);
  const hookCall = (event: string): readonly PlannedCall[] => {
    const hook = spec.hooks.get(event);
    return hook === undefined ? [] : [{ event, minute: null, call: `Invoke ${hook}` }];
  };
  const shifts = steps.flatMap((percent, index): PlannedCall[] => {
    const at = { event: 'AllowTraffic', minute: index * intervalMs };
    if (percent < 100) {
      const call = `UpdateAlias ${name} version ${currentVersion}, ${percent} % to version ${targetVersion}`;
      return [{ ...at, call }];
    }
    return [
      ...[targetVersion, alias].map((qualifier) => ({
        ...at,
        call: `GetProvisionedConcurrencyConfig ${functionName}:${qualifier}`,
      })),
      { ...at, call: `UpdateAlias ${name} version ${targetVersion}` },
    ];
  });
  return [
    { event: null, minute: null, call: `GetAlias ${name}, which must have version ${currentVersion} and no other` },
    ...hookCall('BeforeAllowTraffic'),
    ...shifts,
    ...hookCall('AfterAllowTraffic'),
  ];
}

/** A line for each call. */
export function plannedCallLines(calls: readonly PlannedCall[]): string[] {
  return calls.map(({ event, minute, call }) => {
    const when = minute === null ? '' : `+${minute} min`;
    return `${(event ?? 'before').padEnd(18)}  ${when.padEnd(9)}  ${call}`.trimEnd();
  });
}
