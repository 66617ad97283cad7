/**
 * Texts that change whenever something changes that a page of the console shows. A page is then told to ask the API again, so no row has to
 * be read here in full, and every server of a database sees the changes of all.
 */
import type { DeploymentStatus } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader } from './store.ts';

/** The state finds a deployment under way in an index, however many have ended. */
const ACTIVE: readonly DeploymentStatus[] = ['Created', 'Queued', 'InProgress', 'Ready'];

const activeOnes = statement((db) =>
  db
    .selectFrom('deployments')
    .select(['deployment_id', 'status', 'stop_requested_at_ms'])
    .where('status', 'in', ACTIVE)
    .orderBy('deployment_id'),
);

/** The index by time gives both of them at once. */
const newestOne = statement((db) =>
  db
    .selectFrom('deployments')
    .select('deployment_id')
    .orderBy('created_at_ms', 'desc')
    .orderBy('deployment_id', 'desc')
    .limit(1),
);

/** Changes when a deployment begins, goes on to another state, or ends. */
export async function stateOfDeployments(db: StoreReader): Promise<string> {
  const [newest, active] = [await newestOne(db), await activeOnes(db)];
  const states = active.rows.map((row) => `${row.deployment_id} ${row.status} ${row.stop_requested_at_ms}`);
  return [newest.rows[0]?.deployment_id ?? '', ...states].join('\n');
}

const oneDeployment = statement((db, deploymentId: string) =>
  db
    .selectFrom('deployments')
    .select(['status', 'started_at_ms', 'completed_at_ms', 'stop_requested_at_ms', 'ready_at_ms', 'continued_at_ms'])
    .select(['termination_wait_at_ms', 'wait_skipped_at_ms'])
    .where('deployment_id', '=', deploymentId),
);

const targetsOfOne = statement((db, deploymentId: string) =>
  db
    .selectFrom('targets')
    .select('status')
    .select((eb) => [eb.fn.countAll<number>().as('count'), eb.fn.max('updated_at_ms').as('latest')])
    .where('deployment_id', '=', deploymentId)
    .groupBy('status')
    .orderBy('status'),
);

const eventsOfOne = statement((db, deploymentId: string) =>
  db
    .selectFrom('lifecycle_events')
    .select('status')
    .select((eb) => [
      eb.fn.countAll<number>().as('count'),
      eb.fn.max('started_at_ms').as('started'),
      eb.fn.max('ended_at_ms').as('ended'),
    ])
    .where('deployment_id', '=', deploymentId)
    .groupBy('status')
    .orderBy('status'),
);

/** Changes with the deployment, with its targets and with their events. @returns null: there is no such deployment */
export async function stateOfDeployment(db: StoreReader, deploymentId: string): Promise<string | null> {
  const [deployment] = (await oneDeployment(db, deploymentId)).rows;
  if (deployment === undefined) return null;
  const [targets, events] = [await targetsOfOne(db, deploymentId), await eventsOfOne(db, deploymentId)];
  return JSON.stringify([deployment, targets.rows, events.rows]);
}
