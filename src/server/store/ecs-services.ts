import type { StoreTransaction } from './store.ts';

/**
 * Writes down which service of ECS a group deploys to, in place of the one before.
 *
 * @param serviceKey null: none
 * @returns the group that has the service already, when it is another one: then nothing was written
 */
export async function claimEcsService(
  tx: StoreTransaction,
  groupId: string,
  serviceKey: string | null,
): Promise<string | null> {
  if (serviceKey !== null) {
    const row = { service_key: serviceKey, deployment_group_id: groupId };
    await tx
      .insertInto('ecs_services')
      .values(row)
      .onConflict((conflict) => conflict.column('service_key').doNothing())
      .execute();
    const owner = await tx
      .selectFrom('ecs_services')
      .select('deployment_group_id')
      .where('service_key', '=', serviceKey)
      .executeTakeFirst();
    if (owner !== undefined && owner.deployment_group_id !== groupId) return owner.deployment_group_id;
  }
  await tx
    .deleteFrom('ecs_services')
    .where('deployment_group_id', '=', groupId)
    .where('service_key', '!=', serviceKey ?? '')
    .execute();
  return null;
}
