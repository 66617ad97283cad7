/** The last known state of what deployments have moved traffic of: a function's alias, or a service. */
import type { Kysely } from 'kysely';
import type { StoreSchema } from './schema.ts';

export interface LastShift {
  readonly deploymentId: string;
  /** The alias, or the service. */
  readonly instanceId: string;
  /** JSON: `LambdaDetails` or `ServiceDetails`. */
  readonly detailsJson: string;
  /** When they were last seen so; milliseconds. */
  readonly seenAtMs: number;
}

/** More are not looked at: the newest ones count. */
const MOST = 2_000;

/** Of each alias and service the last deployment, where it is over. */
export async function lastShifts(db: Pick<Kysely<StoreSchema>, 'selectFrom'>): Promise<LastShift[]> {
  const rows = await db
    .selectFrom('applications as application')
    .innerJoin('deployments as deployment', 'deployment.application_id', 'application.application_id')
    .innerJoin('targets as target', 'target.deployment_id', 'deployment.deployment_id')
    .select(['deployment.deployment_id', 'deployment.completed_at_ms', 'target.instance_id'])
    .select(['target.details_json', 'target.updated_at_ms'])
    .where('application.compute_platform', '<>', 'Server')
    .where('target.details_json', 'is not', null)
    .orderBy('deployment.created_at_ms', 'desc')
    .orderBy('deployment.deployment_id')
    .limit(MOST)
    .execute();
  const newest = new Map<string, (typeof rows)[number]>();
  for (const row of rows) if (!newest.has(row.instance_id)) newest.set(row.instance_id, row);
  return [...newest.values()].flatMap((row) =>
    row.completed_at_ms === null || row.details_json === null
      ? []
      : {
          ...{ deploymentId: row.deployment_id, instanceId: row.instance_id },
          ...{ detailsJson: row.details_json, seenAtMs: row.updated_at_ms },
        },
  );
}
