/** The service of ECS that a deployment group has, and no other one may have. */
import { ApiError } from '../../protocol/errors.ts';
import type { SettingsOfGroup } from '../engine/settings.ts';
import { findGroupById } from '../store/deployment-groups.ts';
import { claimEcsService } from '../store/ecs-services.ts';
import type { StoreTransaction } from '../store/store.ts';
import { serviceKey } from './settings/target-group-pairs.ts';

/**
 * Writes down which service the group has from now on; nothing for groups of other platforms.
 *
 * @throws ApiError ECSServiceMappingLimitExceededException when another group has it: two deployments would move the same traffic
 */
export async function claimService(
  tx: StoreTransaction,
  groupId: string,
  { ecsServices = [] }: SettingsOfGroup,
): Promise<void> {
  const [service] = ecsServices;
  const key = service === undefined ? null : serviceKey(service);
  const owner = await claimEcsService(tx, groupId, key);
  if (owner === null) return;
  const group = await findGroupById(tx, owner);
  throw new ApiError(
    'ECSServiceMappingLimitExceededException',
    `The service ${key} belongs to the deployment group ${group?.deployment_group_name ?? owner}. A service may belong to one group.`,
  );
}
