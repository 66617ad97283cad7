/**
 * Decides the next actions of a deployment. Pure: everything follows from the rows and the time. So it does not matter who asks, how often,
 * or what happened in between.
 *
 * Deployment   Created → InProgress (once its targets are resolved, outside of here) → Succeeded | Failed | Stopped
 *              InProgress → Ready → InProgress, in blue/green deployments that wait before traffic is rerouted
 *
 * Each kind of deployment is decided in a file of its own: `hosts/in-place`, `hosts/blue-green`, `shifting/decide`. Their input is in `snapshot`, the events
 * are in `course`, and the waiting times in `limits`.
 */
import { decideBlueGreen, decideBlueGreenInPart } from './hosts/blue-green.ts';
import { decideInPart, decideInPlace } from './hosts/in-place.ts';
import { Target } from './hosts/target.ts';
import { decideShift, shiftWaitOf } from './shifting/decide.ts';
import type { Action, DeploymentSnapshot, OtherTargets, Wait } from './snapshot.ts';

/** @returns actions in the order in which they apply; the last one is a `finish`, or the `wake-at` of the next look */
export function decide(deployment: DeploymentSnapshot, nowMs: number): readonly Action[] {
  const { blueGreen, shift } = deployment;
  if (shift !== undefined) return decideShift(deployment, shift, nowMs);
  return blueGreen === null ? decideInPlace(deployment, nowMs) : decideBlueGreen(deployment, blueGreen, nowMs);
}

/**
 * The same for those targets that have changed since the last step, and the first of those that wait for their turn. The actions are those of
 * `decide`, but for the `wake-at`, which may be earlier.
 *
 * @returns null: what follows concerns other targets, too
 */
export function decidePart(
  deployment: DeploymentSnapshot,
  others: OtherTargets,
  nowMs: number,
): readonly Action[] | null {
  // It has one target, so there is no part of it.
  if (deployment.shift !== undefined) return null;
  return deployment.blueGreen === null
    ? decideInPart(deployment, others, nowMs)
    : decideBlueGreenInPart(deployment, others, nowMs);
}

/** Returns the present waits of a deployment, by instance. */
export function waitsOf(deployment: DeploymentSnapshot, nowMs: number): ReadonlyMap<string, Wait> {
  const waits = new Map<string, Wait>();
  for (const snapshot of deployment.targets) {
    const { shift } = deployment;
    const wait =
      shift !== undefined
        ? shiftWaitOf(deployment, shift, nowMs)
        : new Target(snapshot, deployment, nowMs, []).waitsFor();
    if (wait !== null) waits.set(snapshot.instanceId, wait);
  }
  return waits;
}
