/** The EC2 side of deployment groups, as AWS was last heard to have it. */
import { inChunks } from './chunks.ts';
import type {
  DeploymentGroupRow,
  DeploymentRow,
  FleetMemberRow,
  FleetRow,
  InstanceRow,
  ReplacementFleetRow,
} from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Groups whose settings name tags of EC2 or Auto Scaling groups. An empty list of them may be among it. */
export async function groupsWithFleets(db: StoreReader): Promise<DeploymentGroupRow[]> {
  return db
    .selectFrom('deployment_groups')
    .selectAll()
    .where((eb) =>
      eb.or([eb('settings_json', 'like', '%"ec2Tag%'), eb('settings_json', 'like', '%"autoScalingGroups":["%')]),
    )
    .orderBy('deployment_group_id')
    .execute();
}

/** Deployments that have not found their hosts yet, with their groups. */
export async function deploymentsToBegin(
  db: StoreReader,
): Promise<
  readonly Pick<DeploymentRow, 'deployment_id' | 'deployment_group_id' | 'created_at_ms' | 'settings_json'>[]
> {
  return db
    .selectFrom('deployments')
    .select(['deployment_id', 'deployment_group_id', 'created_at_ms', 'settings_json'])
    .where('completed_at_ms', 'is', null)
    .where('status', '=', 'Created')
    .execute();
}

/** Deployments whose replacement hosts wait for traffic, and are known by AWS. */
export async function deploymentsBeforeReroute(
  db: StoreReader,
): Promise<readonly Pick<DeploymentRow, 'deployment_id' | 'settings_json'>[]> {
  return db
    .selectFrom('deployments')
    .select(['deployment_id', 'settings_json'])
    .where('completed_at_ms', 'is', null)
    .where('status', '=', 'Ready')
    .where('settings_json', 'like', '%"greenInAws"%')
    .execute();
}

export async function findFleet(db: StoreReader, deploymentGroupId: string): Promise<FleetRow | null> {
  const row = await db
    .selectFrom('fleets')
    .selectAll()
    .where('deployment_group_id', '=', deploymentGroupId)
    .executeTakeFirst();
  return row ?? null;
}

/** The group must be locked, or held: its fleet goes with it. */
export async function putFleet(tx: StoreTransaction, row: FleetRow): Promise<void> {
  const { deployment_group_id: _, ...changes } = row;
  await tx
    .insertInto('fleets')
    .values(row)
    .onConflict((conflict) => conflict.column('deployment_group_id').doUpdateSet(changes))
    .execute();
}

export async function findReplacementFleet(db: StoreReader, deploymentId: string): Promise<ReplacementFleetRow | null> {
  const row = await db
    .selectFrom('replacement_fleets')
    .selectAll()
    .where('deployment_id', '=', deploymentId)
    .executeTakeFirst();
  return row ?? null;
}

/** The deployment must be locked: its replacement fleet goes with it. */
export async function putReplacementFleet(tx: StoreTransaction, row: ReplacementFleetRow): Promise<void> {
  const { deployment_id: _, ...changes } = row;
  await tx
    .insertInto('replacement_fleets')
    .values(row)
    .onConflict((conflict) => conflict.column('deployment_id').doUpdateSet(changes))
    .execute();
}

export async function fleetMembersOf(db: StoreReader, deploymentGroupId: string): Promise<FleetMemberRow[]> {
  return db
    .selectFrom('fleet_members')
    .selectAll()
    .where('deployment_group_id', '=', deploymentGroupId)
    .orderBy('ec2_instance_id')
    .execute();
}

/** The member that a host is; null: AWS does not have it in the group. */
export async function findFleetMember(
  db: StoreReader,
  deploymentGroupId: string,
  instanceId: string,
): Promise<FleetMemberRow | null> {
  const row = await db
    .selectFrom('fleet_members')
    .selectAll()
    .where('deployment_group_id', '=', deploymentGroupId)
    .where('instance_id', '=', instanceId)
    .executeTakeFirst();
  return row ?? null;
}

/** Takes the place of all members that a group had. */
export async function replaceFleetMembers(
  tx: StoreTransaction,
  deploymentGroupId: string,
  members: readonly FleetMemberRow[],
): Promise<void> {
  await tx.deleteFrom('fleet_members').where('deployment_group_id', '=', deploymentGroupId).execute();
  for (const chunk of inChunks(members)) await tx.insertInto('fleet_members').values(chunk).execute();
}

/** Registered hosts that may be EC2 instances: by a tag of this name, or by an identity that names one. The oldest come first. */
export async function hostsOnEc2(
  db: StoreReader,
  tagKey: string,
): Promise<readonly { readonly instance_id: string; readonly host_arn: string; readonly tag_value: string | null }[]> {
  return db
    .selectFrom('instances')
    .leftJoin('instance_tags', (join) =>
      join.onRef('instance_tags.instance_id', '=', 'instances.instance_id').on('instance_tags.tag_key', '=', tagKey),
    )
    .select(['instances.instance_id', 'instances.host_arn', 'instance_tags.tag_value'])
    .where('instances.deregistered_at_ms', 'is', null)
    .where((eb) => eb.or([eb('instance_tags.tag_value', 'like', 'i-%'), eb('instances.host_arn', 'like', 'arn:%/i-%')]))
    .orderBy('instances.registered_at_ms')
    .execute();
}

/** Registered hosts by their ids. */
export async function instancesById(db: StoreReader, instanceIds: readonly string[]): Promise<InstanceRow[]> {
  const found: InstanceRow[] = [];
  for (const chunk of inChunks(instanceIds)) {
    const rows = await db
      .selectFrom('instances')
      .selectAll()
      .where('instance_id', 'in', chunk)
      .where('deregistered_at_ms', 'is', null)
      .execute();
    found.push(...rows);
  }
  return found;
}
