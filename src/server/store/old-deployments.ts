/** Deployments that have ended long ago, and how they are deleted in small portions. */
import { inChunks } from './chunks.ts';
import type { DeploymentRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export type EndedDeployment = Pick<DeploymentRow, 'deployment_id' | 'deployment_group_id'> & {
  readonly completed_at_ms: number;
};

export interface EndedFilter {
  readonly beforeMs: number;
  /** Only those whose events still have diagnostics. */
  readonly withDiagnostics: boolean;
  /** The last one of the page before; null: from the beginning. */
  readonly after: EndedDeployment | null;
  readonly limit: number;
}

/** A page of deployments that ended before a time, the oldest first. */
export async function endedDeployments(db: StoreReader, filter: EndedFilter): Promise<readonly EndedDeployment[]> {
  const { beforeMs, withDiagnostics, after, limit } = filter;
  let query = db
    .selectFrom('deployments')
    .select(['deployment_id', 'deployment_group_id', 'completed_at_ms'])
    .where('completed_at_ms', 'is not', null)
    .where('completed_at_ms', '<', beforeMs)
    .orderBy('completed_at_ms')
    .orderBy('deployment_id')
    .limit(limit);
  if (withDiagnostics) query = query.where('diagnostics_deleted_at_ms', 'is', null);
  if (after !== null) {
    const { completed_at_ms, deployment_id } = after;
    query = query
      .where('completed_at_ms', '>=', completed_at_ms)
      .where((eb) => eb.or([eb('completed_at_ms', '>', completed_at_ms), eb('deployment_id', '>', deployment_id)]));
  }
  return (await query.execute()) as EndedDeployment[];
}

/**
 * Finds the deployments that their groups rest on. These are the last successful one, which a rollback and a restart go back to; the last
 * one; and what an open deployment restarts.
 *
 * An ended deployment that is not among them never comes among them again: a group's last deployments only ever become newer ones.
 */
export async function neededDeployments(db: StoreReader, groupIds: readonly string[]): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  const add = (id: string | null) => id !== null && needed.add(id);
  for (const chunk of inChunks([...new Set(groupIds)])) {
    const groups = await db
      .selectFrom('deployment_groups')
      .select(['last_successful_deployment_id', 'last_attempted_deployment_id'])
      .where('deployment_group_id', 'in', chunk)
      .execute();
    for (const group of groups) {
      add(group.last_successful_deployment_id);
      add(group.last_attempted_deployment_id);
    }
    const open = await db
      .selectFrom('deployments')
      .select('restart_of')
      .where('completed_at_ms', 'is', null)
      .where('deployment_group_id', 'in', chunk)
      .execute();
    for (const { restart_of } of open) add(restart_of);
  }
  return needed;
}

/** One way to delete something of a deployment: some of its targets at a time, and then the end. */
interface Deletion {
  /** @returns of how many targets it has deleted something; fewer than `limit` when there are no more */
  some(deploymentId: string, limit: number): Promise<number>;
  end(deploymentId: string): Promise<void>;
}

/**
 * Deletes from deployments, one after another, until a number of targets is reached.
 *
 * @returns the deployments that are left; of the first, some of the targets may be done already
 */
async function deletePortion(
  deploymentIds: readonly string[],
  maxTargets: number,
  deletion: Deletion,
): Promise<readonly string[]> {
  let places = maxTargets;
  for (const [index, deploymentId] of deploymentIds.entries()) {
    if (places <= 0) return deploymentIds.slice(index);
    const done = await deletion.some(deploymentId, places);
    if (done === places) return deploymentIds.slice(index);
    await deletion.end(deploymentId);
    // One without targets is work, too.
    places -= Math.max(1, done);
  }
  return [];
}

/** Deletes ended deployments with their targets, events and logs. @returns those that are left, see `deletePortion` */
export function deleteDeployments(tx: StoreTransaction, deploymentIds: readonly string[], maxTargets: number) {
  return deletePortion(deploymentIds, maxTargets, {
    async some(deploymentId, limit) {
      const targets = await tx
        .selectFrom('targets')
        .select('instance_id')
        .where('deployment_id', '=', deploymentId)
        .limit(limit)
        .execute();
      for (const chunk of inChunks(targets.map((target) => target.instance_id))) {
        for (const table of ['event_logs', 'lifecycle_events', 'targets'] as const) {
          await tx
            .deleteFrom(table)
            .where('deployment_id', '=', deploymentId)
            .where('instance_id', 'in', chunk)
            .execute();
        }
      }
      return targets.length;
    },
    async end(deploymentId) {
      await tx.deleteFrom('event_logs').where('deployment_id', '=', deploymentId).execute();
      await tx.deleteFrom('deployments').where('deployment_id', '=', deploymentId).execute();
    },
  });
}

/** Deletes the diagnostics and the logs of ended deployments' events. @returns those that are left, see `deletePortion` */
export function deleteDiagnostics(
  tx: StoreTransaction,
  deploymentIds: readonly string[],
  maxTargets: number,
  nowMs: number,
) {
  return deletePortion(deploymentIds, maxTargets, {
    async some(deploymentId, limit) {
      const targets = await tx
        .selectFrom('lifecycle_events')
        .select('instance_id')
        .distinct()
        .where('deployment_id', '=', deploymentId)
        .where('diagnostics_json', 'is not', null)
        .limit(limit)
        .execute();
      for (const chunk of inChunks(targets.map((target) => target.instance_id))) {
        await tx
          .updateTable('lifecycle_events')
          .set({ diagnostics_json: null })
          .where('deployment_id', '=', deploymentId)
          .where('instance_id', 'in', chunk)
          .execute();
        await tx
          .deleteFrom('event_logs')
          .where('deployment_id', '=', deploymentId)
          .where('instance_id', 'in', chunk)
          .execute();
      }
      return targets.length;
    },
    async end(deploymentId) {
      // Logs of hosts that have never reported.
      await tx.deleteFrom('event_logs').where('deployment_id', '=', deploymentId).execute();
      await tx
        .updateTable('deployments')
        .set({ diagnostics_deleted_at_ms: nowMs })
        .where('deployment_id', '=', deploymentId)
        .execute();
    },
  });
}
