/** Whether an order is still to be carried out, from the rows of its event and its deployment. */
import { FINAL_STATUSES, findDeployment } from '../store/deployments.ts';
import { type EventKey, lockEvent } from '../store/lifecycle-events.ts';
import { hasLaterOrder } from '../store/orders.ts';
import type { DeploymentRow, OrderRow } from '../store/schema.ts';
import type { StoreReader, StoreTransaction } from '../store/store.ts';

/**
 * `act`: the order is to be carried out; `keep`: it was, and its keeper looks after what has come of it; `over`: neither.
 */
export type OrderStanding = 'act' | 'keep' | 'over';

export async function standingOfOwn(tx: StoreTransaction, { deployment_id }: OrderRow): Promise<OrderStanding> {
  return isGoing(await findDeployment(tx, deployment_id)) ? 'act' : 'over';
}

/** A host is kept out of its load balancers while its deployment goes on, until it is to come back. */
export async function standingOfEvent(tx: StoreTransaction, order: OrderRow): Promise<OrderStanding> {
  const event = await lockEvent(tx, keyOf(order));
  if (event?.ended_at_ms === null) return 'act';
  if (event?.status !== 'Succeeded' || !isGoing(await findDeployment(tx, order.deployment_id))) return 'over';
  return (await hasLaterOrder(tx, order)) ? 'over' : 'keep';
}

export async function isStopped(db: StoreReader, { deployment_id }: OrderRow): Promise<boolean> {
  const deployment = await findDeployment(db, deployment_id);
  return deployment !== null && deployment.stop_requested_at_ms !== null;
}

function isGoing(deployment: DeploymentRow | null): boolean {
  if (deployment === null || deployment.stop_requested_at_ms !== null) return false;
  return !FINAL_STATUSES.includes(deployment.status);
}

export function keyOf(order: OrderRow): EventKey {
  return { deploymentId: order.deployment_id, instanceId: order.instance_id, position: order.position };
}
