import { type RawBuilder, type SqlBool, sql } from 'kysely';

/**
 * Whether a row is of one of these instances in a deployment: for statements that are to cost what they ask for, and not the size of the
 * deployment.
 *
 * The two columns are asked for as one, because PostgreSQL goes by what it believes to know about each. A new deployment is in no
 * statistics, so `deployment_id = $1` seems to have few rows. Then PostgreSQL reads all events of a thousand hosts, and looks for each in
 * the list.
 *
 * @param instanceIds a hundred at most
 */
export function isOfInstances(
  table: 'targets' | 'lifecycle_events' | 'changed_targets',
  deploymentId: string,
  instanceIds: readonly string[],
): RawBuilder<SqlBool> {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  const keys = instanceIds.map((instanceId) => sql`(${deploymentId}, ${instanceId})`);
  return sql<SqlBool>`(${column('deployment_id')}, ${column('instance_id')}) in (values ${sql.join(keys)})`;
}
