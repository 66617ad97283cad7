import type { Clock } from '../../system/clock.ts';
import { type DisabledKey, disableAccessKey } from '../store/access-keys.ts';
import { wakeDeploymentsOf } from '../store/deployments.ts';
import { findInstanceByArn } from '../store/instances.ts';
import { failRunningEvents } from '../store/lifecycle-events.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { eventDiagnostics } from './diagnostics.ts';

/** A key that was disabled, and the deployments that have to be driven on because of that. */
export interface KeyDisabled extends DisabledKey {
  readonly deploymentIds: readonly string[];
}

/**
 * Disables a key. When it was the last enabled key of a host, the events that run there end as Failed. Nobody could report them
 * any more, and a key made later belongs to an agent that starts anew. Events that no host has begun wait for such an agent, as for any
 * other.
 *
 * @returns undefined: there is no such key
 */
export async function disableKey(
  tx: StoreTransaction,
  ctx: { readonly store: Pick<Store, 'wakeUps'>; readonly clock: Pick<Clock, 'now'> },
  accessKeyId: string,
): Promise<KeyDisabled | undefined> {
  const nowMs = ctx.clock.now();
  const disabled = await disableAccessKey(tx, ctx.store, accessKeyId, nowMs);
  if (disabled === undefined || disabled.hostArn === null || !disabled.wasLast) {
    return disabled === undefined ? undefined : { ...disabled, deploymentIds: [] };
  }
  const instance = await findInstanceByArn(tx, disabled.hostArn);
  if (instance === null) return { ...disabled, deploymentIds: [] };
  const { instance_id: instanceId } = instance;
  // Whoever reports holds the key: what came before is seen below, and what comes later is refused.
  const deploymentIds = await wakeDeploymentsOf(tx, instanceId, nowMs);
  const message =
    `The last key of the instance was disabled on ${new Date(nowMs).toISOString()} while this event ran, so its outcome cannot be ` +
    'reported any more. Give the instance a new key with slipway register --force, and deploy again.';
  const diagnostics = JSON.stringify(eventDiagnostics('UnknownError', { message }));
  for (const deploymentId of deploymentIds) {
    await failRunningEvents(tx, { deploymentId, instanceId }, diagnostics, nowMs);
  }
  return { ...disabled, deploymentIds };
}
