import { disableKeysOfHost } from './access-keys.ts';
import { wakeDeploymentsOf } from './deployments.ts';
import type { InstanceRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';
import type { WakeUps } from './wake-ups.ts';

/** The registered instance of a name; null when there is none, or only a record of one. */
export async function findInstance(db: StoreReader, name: string): Promise<InstanceRow | null> {
  const row = await db
    .selectFrom('instances')
    .selectAll()
    .where('instance_name', '=', name)
    .where('deregistered_at_ms', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

/** The registered instance of a host identifier; null when there is none. */
export async function findInstanceByArn(db: StoreReader, hostArn: string): Promise<InstanceRow | null> {
  const row = await db
    .selectFrom('instances')
    .selectAll()
    .where('host_arn', '=', hostArn)
    .where('deregistered_at_ms', 'is', null)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * Takes a host out for good, in one transaction: its keys are disabled and stay so when the host is registered anew, its tags go, its open
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
  // The keys first: that is the order in which a host's own requests hold them.
  await disableKeysOfHost(tx, hostArn, nowMs);
  await tx
    .updateTable('instances')
    .set({ deregistered_at_ms: nowMs })
    .where('instance_id', '=', instance_id)
    .where('deregistered_at_ms', 'is', null)
    .execute();
  await tx.deleteFrom('instance_tags').where('instance_id', '=', instance_id).execute();
  await wakeUps.announce(tx, [hostArn]);
  return { hostArn, deploymentIds: await wakeDeploymentsOf(tx, instance_id, nowMs) };
}
