/**
 * Orders that a deployment has of its own, where no lifecycle event is: to make its replacement hosts, to terminate its original ones.
 *
 * They are leased and carried out as all orders are (`orders`). The end of each is written into its row, and the deployment's next step
 * reads it.
 */
import { inChunks } from './chunks.ts';
import type { OrderRow } from './schema.ts';
import type { StoreReader, StoreTransaction } from './store.ts';

/** Work that is to be done, and its doer. */
export type DeploymentOrderKind =
  | 'PrepareShift'
  | 'TerminateTaskSet'
  | 'ProvisionByProgram'
  | 'TerminateByProgram'
  | 'TerminateInstance'
  | 'CopyAutoScalingGroup'
  | 'CompleteAutoScalingGroup'
  | 'DeleteAutoScalingGroup';

/** In place of an event's position. */
export const NO_EVENT = -1;

export interface DeploymentOrder {
  readonly deploymentId: string;
  readonly kind: DeploymentOrderKind;
  /** An instance, or the deployment itself: no two orders about one thing are carried out at the same time. */
  readonly subjectId: string;
}

export function deploymentOrderIdOf({ deploymentId, kind, subjectId }: DeploymentOrder): string {
  return `${deploymentId}/${kind}/${subjectId}`;
}

/** Gives an order, unless it was given before. @param memory what it remembers from the beginning */
export async function giveDeploymentOrder(
  tx: StoreTransaction,
  order: DeploymentOrder,
  memory: unknown,
  nowMs: number,
): Promise<void> {
  await tx
    .insertInto('orders')
    .values({
      order_id: deploymentOrderIdOf(order),
      deployment_id: order.deploymentId,
      instance_id: order.subjectId,
      position: NO_EVENT,
      kind: order.kind,
      wake_at_ms: nowMs,
      ...{ lease_id: null, lease_until_ms: null, memory_json: JSON.stringify(memory) },
      ...{ last_call: null, last_answer: null, given_at_ms: nowMs, outcome: null, message: null },
    })
    .onConflict((conflict) => conflict.column('order_id').doNothing())
    .execute();
}

/** A deployment's own orders, in the order in which they were given. */
export async function deploymentOrdersOf(db: StoreReader, deploymentIds: readonly string[]): Promise<OrderRow[]> {
  const rows: OrderRow[] = [];
  for (const chunk of inChunks(deploymentIds)) {
    rows.push(
      ...(await db
        .selectFrom('orders')
        .selectAll()
        .where('deployment_id', 'in', chunk)
        .where('position', '=', NO_EVENT)
        .orderBy('given_at_ms')
        .orderBy('order_id')
        .execute()),
    );
  }
  return rows;
}
