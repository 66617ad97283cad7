/** Statements of the database's rows about deployments, to be compared with what hosts have seen. */
import type { Store } from '../../../src/server/store/store.ts';
import { type Change, mostDown } from './witness.ts';

/** Rows that no order of transactions may leave behind, in words. */
export async function contradictionsIn({ db }: Store): Promise<string[]> {
  const open = await db
    .selectFrom('targets')
    .innerJoin('deployments', 'deployments.deployment_id', 'targets.deployment_id')
    .where('deployments.completed_at_ms', 'is not', null)
    .select('targets.target_id')
    .where('targets.status', 'in', ['Pending', 'InProgress'])
    .execute();
  const due = await db
    .selectFrom('deployments')
    .select('deployment_id')
    .where('completed_at_ms', 'is not', null)
    .where('wake_at_ms', 'is not', null)
    .execute();
  const halfEnded = await db
    .selectFrom('lifecycle_events')
    .select(['deployment_id', 'event_name'])
    .where('status', 'in', ['Succeeded', 'Failed'])
    .where('ended_at_ms', 'is', null)
    .execute();
  return [
    ...open.map(({ target_id }) => `the target ${target_id} is open, and its deployment is over`),
    ...due.map(({ deployment_id }) => `the deployment ${deployment_id} is over, and is to be looked at`),
    ...halfEnded.map((event) => `an event has an outcome and no end: ${JSON.stringify(event)}`),
  ];
}

/** The most hosts that a deployment had out of service at one instant, by the times of its events. */
export async function mostDownByRows({ db }: Store, deploymentId: string): Promise<number> {
  const rows = await db
    .selectFrom('lifecycle_events')
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.deployment_id', '=', 'lifecycle_events.deployment_id')
        .onRef('targets.instance_id', '=', 'lifecycle_events.instance_id'),
    )
    .select(['targets.target_id as host', 'targets.status', 'started_at_ms', 'ended_at_ms'])
    .where('lifecycle_events.deployment_id', '=', deploymentId)
    .where('started_at_ms', 'is not', null)
    .execute();
  const byHost = new Map<string, typeof rows>();
  for (const row of rows) byHost.set(row.host, [...(byHost.get(row.host) ?? []), row]);
  const changes = [...byHost].flatMap(([host, events]): Change[] => {
    const down = { host, isDown: true, atMs: Math.min(...events.map((event) => event.started_at_ms ?? 0)) };
    // One that has failed stays out of service.
    if (events[0]?.status !== 'Succeeded') return [down];
    return [down, { host, isDown: false, atMs: Math.max(...events.map((event) => event.ended_at_ms ?? 0)) }];
  });
  return mostDown(changes);
}
