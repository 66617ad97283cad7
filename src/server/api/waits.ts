/** What a deployment waits for, and how to wait no more: beyond CodeDeploy. */
import { waitsOf } from '../engine/decide.ts';
import { readSnapshot } from '../engine/read-snapshot.ts';
import { requestStop } from '../engine/stop.ts';
import { FINAL_STATUSES } from '../store/deployments.ts';
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
    return {
      waits: targets.flatMap((target) => {
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
        };
      }),
    };
  },
};
