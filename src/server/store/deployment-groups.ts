import type { ApplicationRow, DeploymentGroupRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

type SettingsOfGroupRow = Pick<ApplicationRow, 'application_name'> &
  Pick<DeploymentGroupRow, 'deployment_group_id' | 'deployment_group_name' | 'settings_json'>;

export async function findGroup(
  db: StoreReader,
  applicationId: string,
  name: string,
): Promise<DeploymentGroupRow | null> {
  const row = await db
    .selectFrom('deployment_groups')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('deployment_group_name', '=', name)
    .executeTakeFirst();
  return row ?? null;
}

export async function findGroupById(db: StoreReader, groupId: string): Promise<DeploymentGroupRow | null> {
  const row = await db
    .selectFrom('deployment_groups')
    .selectAll()
    .where('deployment_group_id', '=', groupId)
    .executeTakeFirst();
  return row ?? null;
}

/** The group, to be changed, tagged, deployed to or deleted: other transactions that want that wait until this one ends. */
export async function lockGroup(
  tx: StoreTransaction,
  applicationId: string,
  name: string,
): Promise<DeploymentGroupRow | null> {
  const row = await tx
    .selectFrom('deployment_groups')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('deployment_group_name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  return row ?? null;
}

export async function lockGroupById(tx: StoreTransaction, groupId: string): Promise<DeploymentGroupRow | null> {
  const row = await tx
    .selectFrom('deployment_groups')
    .selectAll()
    .where('deployment_group_id', '=', groupId)
    .forUpdate()
    .executeTakeFirst();
  return row ?? null;
}

/** Those of the named groups that exist. @param names at most as many as one statement takes: a hundred */
export async function findGroups(
  db: StoreReader,
  applicationId: string,
  names: readonly string[],
): Promise<DeploymentGroupRow[]> {
  return db
    .selectFrom('deployment_groups')
    .selectAll()
    .where('application_id', '=', applicationId)
    .where('deployment_group_name', 'in', names)
    .execute();
}

/** Groups with a successful deployment and none that is under way, in the order of their ids, from the one behind `after` on. */
export async function idleGroups(db: StoreReader, after: string, limit: number): Promise<DeploymentGroupRow[]> {
  return db
    .selectFrom('deployment_groups')
    .selectAll()
    .where('deployment_group_id', '>', after)
    .where('last_successful_deployment_id', 'is not', null)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('deployments')
            .select('deployment_id')
            .whereRef('deployments.deployment_group_id', '=', 'deployment_groups.deployment_group_id')
            .where('completed_at_ms', 'is', null),
        ),
      ),
    )
    .orderBy('deployment_group_id')
    .limit(limit)
    .execute();
}

/** The names of all groups of an application. */
export async function groupNamesOf(db: StoreReader, applicationId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('deployment_groups')
    .select('deployment_group_name')
    .where('application_id', '=', applicationId)
    .execute();
  return rows.map((row) => row.deployment_group_name);
}

/** A page of names in the order of their bytes, from the one behind `after` on. */
export async function listGroupNames(
  db: StoreReader,
  applicationId: string,
  after: string,
  limit: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('deployment_groups')
    .select('deployment_group_name')
    .where('application_id', '=', applicationId)
    .where('deployment_group_name', '>', after)
    .orderBy('deployment_group_name')
    .limit(limit)
    .execute();
  return rows.map((row) => row.deployment_group_name);
}

/** Returns the target revisions of an application's groups; groups that nothing was deployed to are left out. */
export async function targetRevisionsOf(
  db: StoreReader,
  applicationId: string,
): Promise<readonly { readonly groupName: string; readonly revisionJson: string }[]> {
  const rows = await db
    .selectFrom('deployment_groups')
    .select(['deployment_group_name', 'target_revision_json'])
    .where('application_id', '=', applicationId)
    .where('target_revision_json', 'is not', null)
    .execute();
  return rows.flatMap(({ deployment_group_name: groupName, target_revision_json: revisionJson }) =>
    revisionJson === null ? [] : { groupName, revisionJson },
  );
}

/** Settings of groups with their names, in the order of their ids, from the one behind `after` on. */
export async function settingsOfGroups(db: StoreReader, after: string, limit: number): Promise<SettingsOfGroupRow[]> {
  return db
    .selectFrom('deployment_groups')
    .innerJoin('applications', 'applications.application_id', 'deployment_groups.application_id')
    .select(['deployment_group_id', 'application_name', 'deployment_group_name', 'settings_json'])
    .where('deployment_group_id', '>', after)
    .orderBy('deployment_group_id')
    .limit(limit)
    .execute();
}

/** The name of a group that uses the configuration; null: none does. */
export async function findUserOfConfig(db: StoreReader, configName: string): Promise<string | null> {
  const row = await db
    .selectFrom('deployment_groups')
    .select('deployment_group_name')
    .where('deployment_config_name', '=', configName)
    .executeTakeFirst();
  return row?.deployment_group_name ?? null;
}

export async function insertGroup(tx: StoreTransaction, row: DeploymentGroupRow): Promise<void> {
  await tx.insertInto('deployment_groups').values(row).execute();
}

export async function updateGroup(
  tx: StoreTransaction,
  groupId: string,
  changes: Partial<Omit<DeploymentGroupRow, 'deployment_group_id' | 'application_id'>>,
): Promise<void> {
  await tx.updateTable('deployment_groups').set(changes).where('deployment_group_id', '=', groupId).execute();
}

/** Deletes the group with what it knew of hosts. It must be locked. */
export async function deleteGroup(tx: StoreTransaction, groupId: string): Promise<void> {
  await tx.deleteFrom('host_states').where('deployment_group_id', '=', groupId).execute();
  await tx.deleteFrom('deployment_groups').where('deployment_group_id', '=', groupId).execute();
}
