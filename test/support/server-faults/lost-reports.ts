/** Holds what hosts have noted against what the server tells of their events. Pure. */
import type { TargetSeen } from './operator.ts';
import type { Witness } from './witness.ts';

/** Reports that a server has answered and that do not stand, in words. */
export function lostReports(
  witness: Witness,
  deploymentId: string,
  targets: ReadonlyMap<string, TargetSeen>,
): string[] {
  return witness.reportsOf(deploymentId).flatMap(({ host, event, status }) => {
    const kept = targets.get(host)?.events[event];
    return kept === status ? [] : [`${event} on ${host} was reported ${status} and answered, and is ${kept}`];
  });
}

/** Events that the server tells as done and that no host has run, in words. */
export function inventedReports(
  witness: Witness,
  deploymentId: string,
  targets: ReadonlyMap<string, TargetSeen>,
): string[] {
  return [...targets].flatMap(([host, { events }]) =>
    Object.entries(events).flatMap(([event, status]) =>
      status === 'Succeeded' && !witness.hasRun(host, deploymentId, event)
        ? [`${event} on ${host} counts as done, and the host has not run it`]
        : [],
    ),
  );
}
