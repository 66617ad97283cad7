/**
 * When what was deployed where, and what hosts have now. An index finds each page from the place where the one before ended. So a page
 * costs the same however long the history and however large the fleet.
 */
import { inChunks } from './chunks.ts';
import type { StoreReader } from './store.ts';

/** Each that is null is not asked for. Times are those at which deployments were created; they count themselves. */
export interface HistoryFilter {
  readonly applicationId: string | null;
  readonly deploymentGroupId: string | null;
  readonly sinceMs: number | null;
  readonly untilMs: number | null;
}

/** Where a page of deployments ended. */
export interface DeploymentPlace {
  readonly createdAtMs: number;
  readonly deploymentId: string;
}

/** Where a page of hosts of deployments ended. */
export interface TargetPlace extends DeploymentPlace {
  readonly position: number;
}

const OF_DEPLOYMENT = [
  'deployments.deployment_id',
  'deployments.deployment_group_id',
  'deployments.application_name',
  'deployments.deployment_group_name',
  'deployments.revision_json',
  'deployments.creator',
  'deployments.created_at_ms',
] as const;

/** Deployments for one look for their hosts. */
const DEPLOYMENTS_AT_ONCE = 100;

/** Deployments, the newest first. */
function deploymentsOf(db: StoreReader, filter: HistoryFilter, after: DeploymentPlace | null, limit: number) {
  const { applicationId, deploymentGroupId, sinceMs, untilMs } = filter;
  return db
    .selectFrom('deployments')
    .$if(deploymentGroupId !== null, (query) => query.where('deployment_group_id', '=', deploymentGroupId))
    .$if(deploymentGroupId === null && applicationId !== null, (query) =>
      query.where('application_id', '=', applicationId),
    )
    .$if(sinceMs !== null, (query) => query.where('created_at_ms', '>=', sinceMs))
    .$if(untilMs !== null, (query) => query.where('created_at_ms', '<=', untilMs))
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(
          refTuple('deployments.created_at_ms', 'deployments.deployment_id'),
          '<',
          tuple(after?.createdAtMs ?? 0, after?.deploymentId ?? ''),
        ),
      ),
    )
    .orderBy('deployments.created_at_ms', 'desc')
    .orderBy('deployments.deployment_id', 'desc')
    .limit(limit);
}

/** A page of deployments, the newest first. */
export async function listRevisionHistory(
  db: StoreReader,
  filter: HistoryFilter,
  { after, limit }: { readonly after: DeploymentPlace | null; readonly limit: number },
) {
  return deploymentsOf(db, filter, after, limit)
    .select([...OF_DEPLOYMENT, 'deployments.status', 'deployments.completed_at_ms'])
    .execute();
}

/** A deployment's part on one host, and which revision the group's last deployment left there. */
export type HostHistoryRow = Awaited<ReturnType<typeof targetsOfOne>>[number];

/** A page of hosts of deployments: the newest deployment first, its hosts in the order of attempt. */
export async function listHostHistory(
  db: StoreReader,
  filter: HistoryFilter,
  { after, limit }: { readonly after: TargetPlace | null; readonly limit: number },
): Promise<HostHistoryRow[]> {
  const found = after === null ? [] : await targetsOfOne(db, after, limit);
  for (let from: DeploymentPlace | null = after; found.length < limit; ) {
    const deployments = await deploymentsOf(db, filter, from, DEPLOYMENTS_AT_ONCE)
      .select(['deployments.deployment_id', 'deployments.created_at_ms'])
      // Of those without a host there may be any number, and each would be looked into.
      .where(({ exists, selectFrom }) =>
        exists(
          selectFrom('targets')
            .select('targets.position')
            .whereRef('targets.deployment_id', '=', 'deployments.deployment_id'),
        ),
      )
      .execute();
    for (const { deployment_id: deploymentId, created_at_ms: createdAtMs } of deployments) {
      if (found.length >= limit) break;
      from = { deploymentId, createdAtMs };
      found.push(...(await targetsOfOne(db, { deploymentId, position: -1 }, limit - found.length)));
    }
    if (deployments.length < DEPLOYMENTS_AT_ONCE) break;
  }
  return found;
}

function historyOfTargets(db: StoreReader) {
  return db
    .selectFrom('targets')
    .innerJoin('deployments', 'deployments.deployment_id', 'targets.deployment_id')
    .leftJoin('host_states', (join) =>
      join
        .onRef('host_states.deployment_group_id', '=', 'deployments.deployment_group_id')
        .onRef('host_states.instance_id', '=', 'targets.instance_id'),
    )
    .select([...OF_DEPLOYMENT, 'targets.target_id', 'targets.status', 'targets.updated_at_ms', 'targets.position'])
    .select(['targets.label', 'host_states.revision_identity']);
}

async function targetsOfOne(
  db: StoreReader,
  { deploymentId, position }: { readonly deploymentId: string; readonly position: number },
  limit: number,
) {
  return historyOfTargets(db)
    .where('targets.deployment_id', '=', deploymentId)
    .where('targets.position', '>', position)
    .orderBy('targets.position')
    .limit(limit)
    .execute();
}

/** The same for the hosts of one name, of which there are few rows: all are found by the name and sorted. */
export async function listHistoryOfHost(
  db: StoreReader,
  instanceName: string,
  { applicationId, deploymentGroupId, sinceMs, untilMs }: HistoryFilter,
  { after, limit }: { readonly after: TargetPlace | null; readonly limit: number },
): Promise<HostHistoryRow[]> {
  return historyOfTargets(db)
    .where('targets.target_id', '=', instanceName)
    .$if(applicationId !== null, (query) => query.where('deployments.application_id', '=', applicationId))
    .$if(deploymentGroupId !== null, (query) => query.where('deployments.deployment_group_id', '=', deploymentGroupId))
    .$if(sinceMs !== null, (query) => query.where('deployments.created_at_ms', '>=', sinceMs))
    .$if(untilMs !== null, (query) => query.where('deployments.created_at_ms', '<=', untilMs))
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(
          refTuple('deployments.created_at_ms', 'deployments.deployment_id'),
          '<',
          tuple(after?.createdAtMs ?? 0, after?.deploymentId ?? ''),
        ),
      ),
    )
    .orderBy('deployments.created_at_ms', 'desc')
    .orderBy('deployments.deployment_id', 'desc')
    .limit(limit)
    .execute();
}

export interface HostRevisionFilter {
  readonly applicationId: string | null;
  readonly deploymentGroupId: string | null;
  readonly instanceName: string | null;
}

/** Where a page of what hosts have ended. */
export interface HostStatePlace {
  readonly deploymentGroupId: string;
  readonly instanceId: string;
}

/** A page of what registered hosts have, in the order of the groups' ids. */
export async function listHostRevisions(
  db: StoreReader,
  { applicationId, deploymentGroupId, instanceName }: HostRevisionFilter,
  { after, limit }: { readonly after: HostStatePlace | null; readonly limit: number },
) {
  return db
    .selectFrom('host_states')
    .innerJoin('deployment_groups', 'deployment_groups.deployment_group_id', 'host_states.deployment_group_id')
    .innerJoin('applications', 'applications.application_id', 'deployment_groups.application_id')
    .innerJoin('instances', 'instances.instance_id', 'host_states.instance_id')
    .leftJoin('revisions', (join) =>
      join
        .onRef('revisions.application_id', '=', 'deployment_groups.application_id')
        .onRef('revisions.identity', '=', 'host_states.revision_identity'),
    )
    .select(['host_states.deployment_group_id', 'host_states.instance_id', 'instances.instance_name'])
    .select(['applications.application_name', 'deployment_groups.deployment_group_name', 'host_states.health'])
    .select(['host_states.revision_identity', 'revisions.location_json', 'host_states.left_at_ms'])
    .where('instances.deregistered_at_ms', 'is', null)
    .$if(applicationId !== null, (query) => query.where('deployment_groups.application_id', '=', applicationId))
    .$if(deploymentGroupId !== null, (query) => query.where('host_states.deployment_group_id', '=', deploymentGroupId))
    .$if(instanceName !== null, (query) => query.where('instances.instance_name', '=', instanceName))
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(
          refTuple('host_states.deployment_group_id', 'host_states.instance_id'),
          '>',
          tuple(after?.deploymentGroupId ?? '', after?.instanceId ?? ''),
        ),
      ),
    )
    .orderBy('host_states.deployment_group_id')
    .orderBy('host_states.instance_id')
    .limit(limit)
    .execute();
}

/** How many registered hosts of a group have which revision now, by its identity. */
export async function countHostsByRevision(db: StoreReader, groupId: string): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom('host_states')
    .innerJoin('instances', 'instances.instance_id', 'host_states.instance_id')
    .select(['revision_identity', (eb) => eb.fn.countAll<number | string>().as('count')])
    .where('deployment_group_id', '=', groupId)
    .where('revision_identity', 'is not', null)
    .where('deregistered_at_ms', 'is', null)
    .groupBy('revision_identity')
    .execute();
  return new Map(rows.map(({ revision_identity, count }) => [revision_identity ?? '', Number(count)]));
}

/** Finds the makers of deployments in the audit log, and the descriptions of their keys. */
export async function makersOf(
  db: StoreReader,
  deploymentIds: readonly string[],
): Promise<ReadonlyMap<string, { readonly actor: string; readonly description: string | null }>> {
  const makers = new Map<string, { actor: string; description: string | null }>();
  for (const chunk of inChunks(deploymentIds)) {
    const rows = await db
      .selectFrom('audit_entries')
      .leftJoin('access_keys', 'access_keys.access_key_id', 'audit_entries.actor')
      .select(['made', 'actor', 'access_keys.description'])
      .where('made', 'in', chunk)
      .execute();
    for (const { made, actor, description } of rows) makers.set(made ?? '', { actor, description });
  }
  return makers;
}
