/**
 * Things that a deployment waits for before it begins: its alarms, its hosts in AWS, processes that are to rest, and the hosts that are
 * made for it.
 */
import { updateDeployment } from '../store/deployments.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { type FinishAction, stoppedBy } from './hosts/ending.ts';
import { fleetStanding, replacementStanding } from './hosts/fleet.ts';
import { suspensionStanding } from './hosts/suspension.ts';
import { provisionStanding } from './provision.ts';
import { storedSettings } from './settings.ts';
import { preparationStanding } from './shifting/prepare.ts';

/** How often a deployment is looked at that waits; whoever does what it waits for takes the next step. */
export const LONGEST_LOOK_MS = 60_000;

type Standing = 'known' | 'awaited' | 'given' | 'done' | FinishAction;

/**
 * Whether a deployment that was created may begin. Each thing that it waits for comes after the one before it: hosts are made only for a deployment
 * that nothing else keeps back.
 *
 * @returns `waits`: it is looked at again; or how it ends instead
 */
export async function standingBefore(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  { nowMs }: { readonly nowMs: number },
): Promise<'begins' | 'waits' | 'waits, with orders' | FinishAction> {
  // Stopped before it had targets: it gets none, so nothing about them can make it end in another way.
  if (deployment.stop_requested_at_ms !== null) return stoppedBy(deployment.stopped_by_alarm);
  const settings = storedSettings(deployment, null);
  const gates: readonly (() => Promise<Standing> | Standing)[] = [
    // An alarm that is active already keeps a deployment from beginning.
    () => (deployment.alarms_json !== null && deployment.alarms_read_at_ms === null ? 'awaited' : 'known'),
    () => preparationStanding(tx, deployment, settings.shifted, nowMs),
    () => fleetStanding(tx, deployment, settings, nowMs),
    () => provisionStanding(tx, deployment, settings, nowMs),
    () => replacementStanding(tx, deployment, settings, nowMs),
    // What was suspended for a deployment that does not even begin is resumed once it has ended.
    () => suspensionStanding(tx, deployment, nowMs),
  ];
  for (const gate of gates) {
    const standing = await gate();
    if (typeof standing === 'object') return standing;
    if (standing !== 'awaited' && standing !== 'given') continue;
    await updateDeployment(tx, deployment.deployment_id, { wake_at_ms: nowMs + LONGEST_LOOK_MS });
    return standing === 'given' ? 'waits, with orders' : 'waits';
  }
  return 'begins';
}
