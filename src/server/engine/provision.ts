/** The replacement hosts of a blue/green deployment are made before it begins, where the group has a program for that. */
import { deploymentOrdersOf, giveDeploymentOrder } from '../store/deployment-orders.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { faultCodeOf } from './hosts/copied-group.ts';
import { type FinishAction, failedWith } from './hosts/ending.ts';
import { membersOf } from './hosts/members.ts';
import type { DeploymentSettings } from './settings.ts';

const KINDS = { program: 'ProvisionByProgram', copy: 'CopyAutoScalingGroup' } as const;
/** Longer than any program may take, and its hosts to enrol. Beyond it no server carries such orders out. */
export const PROVISION_LIMIT_MS = 3 * 60 * 60_000;

/**
 * Has the replacement hosts made, unless they are there.
 *
 * @returns `given`: an order was given now; `awaited`: it was before, and is not over; or how the deployment ends instead
 */
export async function provisionStanding(
  tx: StoreTransaction,
  { deployment_id: deploymentId }: Pick<DeploymentRow, 'deployment_id'>,
  settings: DeploymentSettings,
  nowMs: number,
): Promise<'known' | 'awaited' | 'given' | FinishAction> {
  const { blueGreen: plan } = settings;
  if (plan?.course !== 'blue-green' || plan.provisionBy === undefined) return 'known';
  const kind = KINDS[plan.provisionBy];
  const order = (await deploymentOrdersOf(tx, [deploymentId])).find((one) => one.kind === kind);
  if (order === undefined) {
    const originals = (await membersOf(tx, settings)).length;
    // Nothing is made for a deployment that cannot begin.
    if (originals === 0) {
      return failedWith('NO_INSTANCES', 'No registered instance carries the tags of the deployment group.');
    }
    await giveDeploymentOrder(tx, { deploymentId, kind, subjectId: deploymentId }, { originals }, nowMs);
    return 'given';
  }
  if (order.outcome === 'Succeeded') return 'known';
  if (order.outcome === 'Failed') {
    const message = order.message ?? '';
    const code = kind === 'CopyAutoScalingGroup' ? faultCodeOf(message) : 'HOOK_EXECUTION_FAILURE';
    return failedWith(code, `The replacement instances were not made. ${message}`);
  }
  if (nowMs - order.given_at_ms < PROVISION_LIMIT_MS) return 'awaited';
  return failedWith('TIMEOUT', 'No server has made the replacement instances within three hours.');
}
