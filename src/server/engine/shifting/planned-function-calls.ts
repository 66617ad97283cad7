/** The calls that a deployment to a function would make, in their order. Pure. */
import type { LambdaAppSpec } from '../../../appspec/resources/types.ts';
import type { PlannedCall } from '../../../protocol/management/shapes.ts';
import type { Schedule } from './schedule.ts';

/**
 * Answers of hooks and of Lambda are taken to be good.
 *
 * @param spec with the calls of its hooks, in words, by their events
 * @param schedule its interval in minutes
 * @param answer of GetAlias; null: it was not asked
 */
export function plannedFunctionCalls(
  spec: LambdaAppSpec & { readonly hookCalls: ReadonlyMap<string, string> },
  { steps, intervalMs: minutes }: Schedule,
  answer: string | null,
): readonly PlannedCall[] {
  const { functionName, alias, currentVersion, targetVersion, hookCalls } = spec;
  const name = `${functionName}:${alias}`;
  const shifts = steps.flatMap((percent, index): PlannedCall[] => {
    const at = { event: 'AllowTraffic', minute: index * minutes, answer: null };
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
  const wanted = `GetAlias ${name}, which must have version ${currentVersion} and no other`;
  return [
    { event: null, minute: null, call: wanted, answer },
    ...plannedHook(hookCalls, 'BeforeAllowTraffic'),
    ...shifts,
    ...plannedHook(hookCalls, 'AfterAllowTraffic'),
  ];
}

/** The call of an event's hook; none where the AppSpec file names no hook. */
export function plannedHook(hookCalls: ReadonlyMap<string, string>, event: string): readonly PlannedCall[] {
  const call = hookCalls.get(event);
  return call === undefined ? [] : [{ event, minute: null, call, answer: null }];
}
