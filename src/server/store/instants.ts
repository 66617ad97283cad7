/**
 * Instants that waits are counted from, of all that is under way. One that lies ahead of now was written before the clock was set back, and its
 * wait would last longer by as much. Times that a deployment is listed by stay as they are.
 */
import { type RawBuilder, sql } from 'kysely';
import { lockDeployment } from './deployments.ts';
import { lockOpenEvents } from './lifecycle-events.ts';
import type { StoreTransaction } from './store.ts';

/** Of one deployment; its `targets` say when the monitoring of a zone begins. */
const OF_DEPLOYMENT = {
  deployments: [
    'stop_requested_at_ms',
    'ready_at_ms',
    'continued_at_ms',
    'termination_wait_at_ms',
    'wait_skipped_at_ms',
  ],
  targets: ['installed_at_ms', 'updated_at_ms'],
  lifecycle_events: ['ready_at_ms', 'handed_out_at_ms', 'started_at_ms'],
  orders: ['given_at_ms'],
} as const;

/** Of everything else. */
const OF_OTHERS = {
  instances: ['last_polled_at_ms', 'identity_shared_at_ms'],
  fleet_members: ['stage_since_ms'],
  lifecycle_actions: ['began_at_ms', 'beaten_at_ms'],
  host_states: ['left_at_ms'],
} as const;

/** @returns how many rows had instants that were ahead of `now.untilMs`; they are `now.atMs` now. Holds the deployment. */
export async function pullBackDeployment(tx: StoreTransaction, deploymentId: string, now: Now): Promise<number> {
  const deployment = await lockDeployment(tx, deploymentId);
  if (deployment === null || deployment.completed_at_ms !== null) return 0;
  await lockOpenEvents(tx, deploymentId);
  return pullBackAll(tx, OF_DEPLOYMENT, now, sql`and deployment_id = ${deploymentId}`);
}

/** The same for all other instants. */
export async function pullBackOthers(tx: StoreTransaction, now: Now): Promise<number> {
  return pullBackAll(tx, OF_OTHERS, now, sql``);
}

export interface Now {
  readonly atMs: number;
  /** A little later: clocks of servers differ by as much. */
  readonly untilMs: number;
}

async function pullBackAll(
  tx: StoreTransaction,
  tables: Readonly<Record<string, readonly string[]>>,
  now: Now,
  where: RawBuilder<unknown>,
): Promise<number> {
  let rows = 0;
  for (const [table, columns] of Object.entries(tables)) {
    const values = columns.map((column) => {
      const name = sql.ref(column);
      return sql`${name} = case when ${name} > ${now.untilMs} then ${now.atMs} else ${name} end`;
    });
    const isAhead = columns.map((column) => sql`${sql.ref(column)} > ${now.untilMs}`);
    const update = sql`update ${sql.table(table)} set ${sql.join(values)} where (${sql.join(isAhead, sql` or `)}) ${where}`;
    rows += Number((await update.execute(tx)).numAffectedRows ?? 0n);
  }
  return rows;
}
