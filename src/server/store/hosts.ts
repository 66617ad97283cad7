import { disableKeysOfHost, lockKeysOfHost } from './access-keys.ts';
import { wakeDeploymentsOf } from './deployments.ts';
import { deleteInstanceTags } from './instance-tags.ts';
import { findInstance, markDeregistered } from './instances.ts';
import type { StoreTransaction } from './store.ts';
import type { WakeUps } from './wake-ups.ts';

/**
 * Takes a host out for good, in one transaction. Its keys are disabled, and stay so when the host is registered anew. Its tags go, its open
 * polls end, and the deployments that wait for it are looked at.
 *
 * @returns null: no host of this name is registered
 */
export async function deregisterHost(
  tx: StoreTransaction,
  wakeUps: Pick<WakeUps, 'announce'>,
  name: string,
  nowMs: number,
): Promise<{ readonly hostArn: string; readonly deploymentIds: readonly string[] } | null> {
  const row = await findInstance(tx, name);
  if (row === null) return null;
  const { instance_id, host_arn: hostArn } = row;
  // The keys first: a host's own requests hold them, and nothing else of the host. They are held before they are disabled. A host that another
  // transaction has deregistered meanwhile may be registered anew, and its new keys are none of this call's business.
  await lockKeysOfHost(tx, hostArn);
  if (!(await markDeregistered(tx, instance_id, nowMs))) return null;
  await disableKeysOfHost(tx, hostArn, nowMs);
  await deleteInstanceTags(tx, instance_id);
  await wakeUps.announce(tx, [hostArn]);
  return { hostArn, deploymentIds: await wakeDeploymentsOf(tx, instance_id, nowMs) };
}
