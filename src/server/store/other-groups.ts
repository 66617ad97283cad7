/** Hosts that more than one deployment group of an application has deployed to. */
import type { DeploymentGroupRow } from './schema.ts';
import type { StoreReader } from './store.ts';

/** A host that a group deployed to, and to which another group of the application brought something else later. */
export interface DeployedElsewhere {
  readonly instanceId: string;
  readonly byGroupId: string;
}

/** @param revision what the group's hosts are to run; a host to which the other group brought the same is left out */
export async function deployedElsewhere(
  db: StoreReader,
  { deployment_group_id, application_id }: Pick<DeploymentGroupRow, 'deployment_group_id' | 'application_id'>,
  revision: string,
): Promise<readonly DeployedElsewhere[]> {
  const others = await db
    .selectFrom('deployment_groups')
    .select('deployment_group_id')
    .where('application_id', '=', application_id)
    .where('deployment_group_id', '<>', deployment_group_id)
    .execute();
  if (others.length === 0) return [];
  return db
    .selectFrom('host_states as own')
    .innerJoin('host_states as other', 'other.instance_id', 'own.instance_id')
    .select(['own.instance_id as instanceId', 'other.deployment_group_id as byGroupId'])
    .where('own.deployment_group_id', '=', deployment_group_id)
    .where('own.revision_identity', '=', revision)
    .where(
      'other.deployment_group_id',
      'in',
      others.map((group) => group.deployment_group_id),
    )
    .whereRef('other.left_at_ms', '>', 'own.left_at_ms')
    .where('other.revision_identity', 'is distinct from', revision)
    .execute();
}
