/** Waits of a deployment, and how to end them: beyond CodeDeploy. */
import type { WaitRecord } from '../../protocol/management/shapes.ts';
import { waitsOf } from '../engine/decide.ts';
import { TERMINATION_LIMIT_MS } from '../engine/hosts/termination.ts';
import { PROVISION_LIMIT_MS } from '../engine/provision.ts';
import { readSnapshot } from '../engine/read-snapshot.ts';
import { PREPARE_LIMIT_MS } from '../engine/shifting/prepare.ts';
import { requestStop } from '../engine/stop.ts';
import { type DeploymentOrderKind, deploymentOrdersOf } from '../store/deployment-orders.ts';
import { FINAL_STATUSES } from '../store/deployments.ts';
import { openOrdersOf, orderIdOf } from '../store/orders.ts';
import type { OrderRow, TargetRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { targetsOf } from '../store/targets.ts';
import { type Handlers, seconds } from './context.ts';
import { readDeploymentId, requireDeployment } from './deployments.ts';
import { readBoolean } from './input.ts';

export const waitHandlers: Handlers<'StopDeploymentNow' | 'DescribeDeploymentWaits'> = {
  async StopDeploymentNow(ctx, input) {
    const deploymentId = readDeploymentId(input);
    const withRollback = readBoolean(input, 'autoRollbackEnabled');
    return requestStop(ctx, ctx.engine, { deploymentId, withRollback, now: true });
  },

  async DescribeDeploymentWaits(ctx, input) {
    const deployment = await requireDeployment(ctx.store.db, input);
    if (FINAL_STATUSES.includes(deployment.status)) return { waits: [] };
    const targets = await targetsOf(ctx.store.db, deployment.deployment_id);
    const snapshot = await readSnapshot(ctx.store.db, deployment, targets, ctx.engine.listeningSinceMs());
    const waits = waitsOf(snapshot, ctx.clock.now());
    const orders = new Map(
      (await openOrdersOf(ctx.store.db, deployment.deployment_id)).map((order) => [order.order_id, order]),
    );
    return {
      waits: [
        ...(await ownWaits(ctx.store.db, deployment.deployment_id, targets)),
        ...targets.flatMap((target) => {
          const wait = waits.get(target.instance_id);
          const events = snapshot.targets.find(({ instanceId }) => instanceId === target.instance_id)?.events;
          const event = events?.find(({ position }) => position === wait?.position);
          if (wait === undefined || event === undefined) return [];
          return {
            targetId: target.target_id,
            lifecycleEventName: event.name,
            reason: wait.reason,
            sinceTime: seconds(wait.sinceMs),
            heardOfTime: seconds(wait.heardOfAtMs),
            giveUpTime: seconds(wait.giveUpAtMs),
            ...lastCallOf(orders.get(orderIdOf({ ...idsOf(target), position: event.position }))),
          };
        }),
      ],
    };
  },
};

/** Names of work that no lifecycle event is, and when the deployment gives it up. */
const OWN_WORK: Readonly<Record<DeploymentOrderKind, { readonly name: string; readonly limitMs: number }>> = {
  PrepareShift: { name: 'PrepareShift', limitMs: PREPARE_LIMIT_MS },
  ProvisionByProgram: { name: 'Provision', limitMs: PROVISION_LIMIT_MS },
  CopyAutoScalingGroup: { name: 'Provision', limitMs: PROVISION_LIMIT_MS },
  CompleteAutoScalingGroup: { name: 'CompleteCopy', limitMs: TERMINATION_LIMIT_MS },
  TerminateByProgram: { name: 'Terminate', limitMs: TERMINATION_LIMIT_MS },
  TerminateInstance: { name: 'Terminate', limitMs: TERMINATION_LIMIT_MS },
  DeleteAutoScalingGroup: { name: 'Terminate', limitMs: TERMINATION_LIMIT_MS },
  TerminateTaskSet: { name: 'Terminate', limitMs: TERMINATION_LIMIT_MS },
};

/**
 * Work of the server for the deployment as a whole, or about a host whose events are all over. No event has this work, so it has a name of
 * its own.
 */
async function ownWaits(
  db: StoreReader,
  deploymentId: string,
  targets: readonly TargetRow[],
): Promise<readonly WaitRecord[]> {
  const orders = await deploymentOrdersOf(db, [deploymentId]);
  return orders
    .filter(({ outcome }) => outcome === null)
    .map((order) => {
      const target = targets.find(({ instance_id }) => instance_id === order.instance_id);
      const { name, limitMs } = OWN_WORK[order.kind as DeploymentOrderKind];
      return {
        targetId: target?.target_id ?? deploymentId,
        lifecycleEventName: name,
        reason: 'too-long',
        ...{ sinceTime: seconds(order.given_at_ms), heardOfTime: seconds(order.given_at_ms) },
        giveUpTime: seconds(order.given_at_ms + limitMs),
        ...lastCallOf(order),
      };
    });
}

function idsOf({ deployment_id: deploymentId, instance_id: instanceId }: TargetRow) {
  return { deploymentId, instanceId };
}

function lastCallOf(order: OrderRow | undefined) {
  if (order?.last_call == null) return {};
  return { lastCall: order.last_call, ...(order.last_answer === null ? {} : { lastAnswer: order.last_answer }) };
}
