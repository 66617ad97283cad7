/**
 * Targets of which an event has ended since their deployment's last step. A step looks at them, and after a crash they tell that a step is
 * to be taken. A writer of such notes need not hold the deployment, so reports are written down during steps.
 *
 * A target is noted once between two steps, because its next event is made ready by a step only.
 */
import { inChunks } from './chunks.ts';
import { isOfInstances } from './of-instances.ts';
import { statement } from './statement.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

export async function noteChangedTargets(
  tx: StoreTransaction,
  targets: readonly { readonly deployment_id: string; readonly instance_id: string }[],
): Promise<void> {
  for (const chunk of inChunks(targets)) {
    await note(
      tx,
      chunk.map((target) => target.deployment_id),
      chunk.map((target) => target.instance_id),
    );
  }
}

const note = statement((db, deploymentIds: readonly string[], instanceIds: readonly string[]) =>
  db
    .insertInto('changed_targets')
    .values(deploymentIds.map((deployment_id, at) => ({ deployment_id, instance_id: instanceIds[at] ?? '' })))
    .onConflict((conflict) => conflict.doNothing()),
);

/** The instances, in no order. */
export async function changedTargetsOf(db: StoreReader, deploymentId: string): Promise<string[]> {
  const { rows } = await notedOf(db, deploymentId);
  return rows.map((row) => row.instance_id);
}

const notedOf = statement((db, deploymentId: string) =>
  db.selectFrom('changed_targets').select('instance_id').where('deployment_id', '=', deploymentId),
);

/** The step that has looked at them calls this, in its transaction. */
export async function forgetChangedTargets(
  tx: StoreTransaction,
  deploymentId: string,
  instanceIds: readonly string[],
): Promise<void> {
  for (const chunk of inChunks(instanceIds)) await forget(tx, deploymentId, chunk);
}

const forget = statement((db, deploymentId: string, instanceIds: readonly string[]) =>
  db.deleteFrom('changed_targets').where(isOfInstances('changed_targets', deploymentId, instanceIds)),
);

/** Deployments with a change that no step has looked at. */
export async function deploymentsWithChanges(db: StoreReader): Promise<string[]> {
  const rows = await db.selectFrom('changed_targets').select('deployment_id').distinct().execute();
  return rows.map((row) => row.deployment_id);
}
