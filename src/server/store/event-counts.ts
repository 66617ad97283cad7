import type { LifecycleEventStatus, TargetRow } from './schema.ts';
import { statement } from './statement.ts';
import type { StoreReader } from './store.ts';

/** How many targets of one label have an event in one status. */
export interface EventCount {
  readonly label: TargetRow['label'];
  readonly name: string;
  /** In the order of the events, from 0. */
  readonly position: number;
  readonly status: LifecycleEventStatus;
  readonly count: number;
}

const counts = statement((db, deploymentId: string) =>
  db
    .selectFrom('lifecycle_events as event')
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.deployment_id', '=', 'event.deployment_id')
        .onRef('targets.instance_id', '=', 'event.instance_id'),
    )
    .select(['targets.label', 'event.event_name', 'event.position', 'event.status'])
    .select((eb) => eb.fn.countAll<number | string>().as('count'))
    .where('event.deployment_id', '=', deploymentId)
    .groupBy(['targets.label', 'event.event_name', 'event.position', 'event.status']),
);

/** Counts the events of a deployment by label, event and status; no row of an event is read in full. */
export async function eventCountsOf(db: StoreReader, deploymentId: string): Promise<readonly EventCount[]> {
  const { rows } = await counts(db, deploymentId);
  return rows.map(({ label, event_name: name, position, status, count }) => {
    return { label, name, position, status, count: Number(count) };
  });
}
