import { inChunks } from './chunks.ts';
import type { HostStateRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Finds the states that the last deployment of a group left on its hosts. A host without a row was never deployed to. */
export async function hostStatesOf(
  db: StoreReader,
  deploymentGroupId: string,
): Promise<ReadonlyMap<string, HostStateRow>> {
  const rows = await db
    .selectFrom('host_states')
    .selectAll()
    .where('deployment_group_id', '=', deploymentGroupId)
    .execute();
  return new Map(rows.map((row) => [row.instance_id, row]));
}

export async function putHostStates(tx: StoreTransaction, states: readonly HostStateRow[]): Promise<void> {
  for (const chunk of inChunks(states)) {
    await tx
      .insertInto('host_states')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['deployment_group_id', 'instance_id']).doUpdateSet((eb) => ({
          health: eb.ref('excluded.health'),
          revision_identity: eb.ref('excluded.revision_identity'),
          left_at_ms: eb.ref('excluded.left_at_ms'),
          is_missed: eb.ref('excluded.is_missed'),
          automatic: eb.ref('excluded.automatic'),
          tries_of: eb.ref('excluded.tries_of'),
          failed_tries: eb.ref('excluded.failed_tries'),
        })),
      )
      .execute();
  }
}

/** A group to which automatic deployments of its last good revision failed on a host. */
export interface FailedTries {
  readonly instanceId: string;
  readonly applicationName: string;
  readonly groupName: string;
  readonly tries: number;
}

/** Finds those hosts with at least `tries` failures of the revision that the group has now. */
export async function failedTriesOf(
  db: StoreReader,
  instanceIds: readonly string[],
  tries: number,
): Promise<readonly FailedTries[]> {
  const found: FailedTries[] = [];
  for (const chunk of inChunks(instanceIds)) {
    const rows = await db
      .selectFrom('host_states')
      .innerJoin('deployment_groups', (join) =>
        join
          .onRef('deployment_groups.deployment_group_id', '=', 'host_states.deployment_group_id')
          .onRef('deployment_groups.last_successful_deployment_id', '=', 'host_states.tries_of'),
      )
      .innerJoin('applications', 'applications.application_id', 'deployment_groups.application_id')
      .select(['instance_id', 'application_name', 'deployment_group_name', 'failed_tries'])
      .where('instance_id', 'in', chunk)
      .where('tries_of', 'is not', null)
      .where('failed_tries', '>=', tries)
      .execute();
    for (const row of rows) {
      found.push({
        instanceId: row.instance_id,
        applicationName: row.application_name,
        groupName: row.deployment_group_name,
        tries: row.failed_tries,
      });
    }
  }
  return found;
}
