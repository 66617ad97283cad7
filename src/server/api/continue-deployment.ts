/** Ends the waits of blue/green deployments. */
import { endWait } from '../engine/continue.ts';
import type { Handlers } from './context.ts';
import { readDeploymentId, requireDeployment, requireStarted } from './deployments.ts';
import { checkChoice, readText } from './input.ts';
import { requireUnfinished } from './not-in-place.ts';

const WAITS = ['READY_WAIT', 'TERMINATION_WAIT'] as const;

export const continueHandlers: Handlers<'ContinueDeployment' | 'SkipWaitTimeForInstanceTermination'> = {
  async ContinueDeployment(ctx, input) {
    const deploymentId = readDeploymentId(input);
    const given = readText(input, 'deploymentWaitType') ?? 'READY_WAIT';
    const wait = checkChoice(given, 'deploymentWaitType', WAITS, 'InvalidDeploymentWaitTypeException');
    await endWait(ctx, ctx.engine, { deploymentId, wait, tooEarly: 'InvalidDeploymentStatusException' });
    return {};
  },

  /** The older name of ContinueDeployment with TERMINATION_WAIT. */
  async SkipWaitTimeForInstanceTermination(ctx, input) {
    const deployment = await requireDeployment(ctx.store.db, input);
    requireUnfinished(deployment);
    requireStarted(deployment);
    await endWait(ctx, ctx.engine, {
      deploymentId: deployment.deployment_id,
      wait: 'TERMINATION_WAIT',
      tooEarly: 'UnsupportedActionForDeploymentTypeException',
    });
    return {};
  },
};
