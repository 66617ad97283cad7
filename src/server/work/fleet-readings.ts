/** Meaning of AWS's faults for the reading of a fleet. Pure. */
import type { FleetFailure } from '../engine/hosts/fleet.ts';
import type { AwsFault } from '../outside/aws/aws-fault.ts';

/** @param isAutoScaling whether it is Auto Scaling's answer @returns a code of the API's ErrorInformation */
export function fleetErrorCode(
  { call, trouble }: Pick<AwsFault, 'call' | 'trouble'>,
  isAutoScaling = call.includes('AutoScaling'),
): string {
  switch (trouble) {
    case 'denied':
      return isAutoScaling ? 'AUTO_SCALING_IAM_ROLE_PERMISSIONS' : 'IAM_ROLE_PERMISSIONS';
    case 'throttled':
      return 'THROTTLED';
    case 'limit':
      return 'RESOURCE_LIMIT_EXCEEDED';
    case 'missing':
    case 'refused':
      return isAutoScaling ? 'AUTO_SCALING_CONFIGURATION' : 'INTERNAL_ERROR';
    default:
      return 'INTERNAL_ERROR';
  }
}

/**
 * Returns the failure after one more reading that has failed.
 *
 * @param before null: the last reading did not fail
 */
export function fleetFailureAfter(before: FleetFailure | null, fault: AwsFault, nowMs: number): FleetFailure {
  return {
    ...{ code: fleetErrorCode(fault), call: fault.call, answer: fault.answer, atMs: nowMs },
    isFinal: fault.trouble === 'missing' || fault.trouble === 'refused',
    sinceMs: before?.sinceMs ?? nowMs,
    calls: (before?.calls ?? 0) + 1,
  };
}

export function fleetFailureOf(fleet: { readonly failing_json: string | null } | null): FleetFailure | null {
  return fleet?.failing_json ? (JSON.parse(fleet.failing_json) as FleetFailure) : null;
}

/**
 * Returns the time of the next reading: after 1 s, 2 s, 4 s and so on, up to 15 s.
 *
 * @returns milliseconds since the epoch; 0: at once
 */
export function nextFleetReadingMs(failing: Pick<FleetFailure, 'calls' | 'atMs'> | null): number {
  return failing === null ? 0 : failing.atMs + Math.min(15_000, 500 * 2 ** Math.min(failing.calls, 5));
}
