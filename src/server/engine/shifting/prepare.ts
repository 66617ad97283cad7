/** Before a deployment moves traffic, its revision is read, and what it is about is looked at. */
import { deploymentOrdersOf, giveDeploymentOrder } from '../../store/deployment-orders.ts';
import { updateDeployment } from '../../store/deployments.ts';
import { insertEvents } from '../../store/lifecycle-events.ts';
import type { DeploymentRow } from '../../store/schema.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { insertTargets } from '../../store/targets.ts';
import { eventsOfLabel } from '../course.ts';
import { type FinishAction, failedWith } from '../hosts/ending.ts';
import type { DeploymentSettings } from '../settings.ts';
import { failedBecause } from './fault-code.ts';
import type { Prepared, ShiftPlan } from './plan.ts';
import { shiftedRows } from './rows.ts';

const KIND = 'PrepareShift';
/** Longer than AWS is asked in vain. Beyond it no server carries such orders out. */
export const PREPARE_LIMIT_MS = 60 * 60_000;

/**
 * Has a deployment prepared, unless it is.
 *
 * @returns `given`: an order was given now; `awaited`: it was before, and is not over; or how the deployment ends instead
 */
export async function preparationStanding(
  tx: StoreTransaction,
  { deployment_id: deploymentId }: Pick<DeploymentRow, 'deployment_id'>,
  plan: ShiftPlan | undefined,
  nowMs: number,
): Promise<'known' | 'awaited' | 'given' | FinishAction> {
  if (plan === undefined || plan.prepared !== undefined) return 'known';
  const order = (await deploymentOrdersOf(tx, [deploymentId])).find(({ kind }) => kind === KIND);
  if (order === undefined) {
    await giveDeploymentOrder(tx, { deploymentId, kind: KIND, subjectId: deploymentId }, {}, nowMs);
    return 'given';
  }
  if (order.outcome === 'Succeeded') return 'known';
  if (order.outcome === 'Failed') return failedBecause(order.message ?? '');
  if (nowMs - order.given_at_ms < PREPARE_LIMIT_MS) return 'awaited';
  return failedWith('TIMEOUT', 'No server has prepared the deployment within an hour.');
}

/** Writes down the target of a deployment that is prepared, with its events, and sets the deployment InProgress. */
export async function beginShift(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  settings: DeploymentSettings,
  plan: ShiftPlan,
  nowMs: number,
): Promise<FinishAction | null> {
  const { deployment_id: deploymentId } = deployment;
  const prepared = plan.prepared ?? (await preparedBy(tx, deploymentId));
  if (prepared === null) return failedWith('INTERNAL_ERROR', 'The preparation has left nothing. Deploy again.');
  const course = eventsOfLabel(plan.platform === 'Lambda' ? 'lambda' : 'ecs', 'all');
  const rows = shiftedRows({ deploymentId, target: prepared.target, course, nowMs });
  await insertTargets(tx, rows.targets);
  await insertEvents(tx, rows.events);
  const shifted: ShiftPlan = { ...plan, prepared };
  await updateDeployment(tx, deploymentId, {
    ...{ status: 'InProgress', started_at_ms: nowMs },
    settings_json: JSON.stringify({ ...settings, shifted } satisfies DeploymentSettings),
  });
  return null;
}

async function preparedBy(tx: StoreTransaction, deploymentId: string): Promise<Prepared | null> {
  const order = (await deploymentOrdersOf(tx, [deploymentId])).find(({ kind }) => kind === KIND);
  return order?.memory_json == null ? null : (JSON.parse(order.memory_json) as Prepared);
}
