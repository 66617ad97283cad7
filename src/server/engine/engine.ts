/**
 * Drives deployments to their end. Level-triggered: each step locks the deployment's row, reads it as it is, decides, and writes down what was
 * decided, in one transaction. Who takes a step, when, and how often does not matter; a crash between two steps loses nothing.
 */
import type { Logger } from '../../logging/logger.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import {
  deploymentsToWake,
  eventsOf,
  FINAL_STATUSES,
  lockDeployment,
  nonFinalDeployments,
  targetsOf,
} from '../store/deployments.ts';
import type { DeploymentRow, LifecycleEventRow, TargetRow } from '../store/schema.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import { applyActions } from './apply.ts';
import { type DeploymentSnapshot, decide } from './decide.ts';
import { resolveTargets } from './resolve-targets.ts';
import type { Waiters } from './waiters.ts';

export interface EngineContext {
  readonly store: Store;
  readonly waiters: Waiters;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface Engine {
  /** Takes the deployment's next steps. To be called after anything about it has changed; resolves when they are committed. */
  step(deploymentId: string): Promise<void>;
  close(): Promise<void>;
}

/** How often deployments whose time has come are looked for: time limits are minutes long. */
const LOOK_MS = 5_000;

/** Starts the engine, and goes on with every deployment that is not over. */
export async function startEngine(ctx: EngineContext): Promise<Engine> {
  const closing = new AbortController();
  const step = (deploymentId: string) => takeSteps(ctx, deploymentId);
  for (const deploymentId of await nonFinalDeployments(ctx.store.db)) await step(deploymentId);
  const looking = look(ctx, step, closing.signal);
  return {
    step,
    async close() {
      closing.abort();
      await looking;
    },
  };
}

async function look(
  ctx: EngineContext,
  step: (deploymentId: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await ctx.clock.sleep(LOOK_MS, signal);
    if (signal.aborted) return;
    try {
      for (const deploymentId of await deploymentsToWake(ctx.store.db, ctx.clock.now())) await step(deploymentId);
    } catch (error) {
      ctx.log.error('the engine could not look for deployments whose time has come', { error });
    }
  }
}

async function takeSteps(ctx: EngineContext, deploymentId: string): Promise<void> {
  const hosts = await ctx.store.transaction(async (tx) => {
    const deployment = await lockDeployment(tx, ctx.store.dialect, deploymentId);
    if (deployment === null || FINAL_STATUSES.includes(deployment.status)) return [];
    return takeStep(ctx, tx, deployment);
  });
  for (const host of hosts) ctx.waiters.wake(host);
}

async function takeStep(
  ctx: EngineContext,
  tx: StoreTransaction,
  deployment: DeploymentRow,
): Promise<readonly string[]> {
  const nowMs = ctx.clock.now();
  if (deployment.status === 'Created') {
    await resolveTargets(tx, deployment, { random: ctx.random, nowMs });
    const resolved = await lockDeployment(tx, ctx.store.dialect, deployment.deployment_id);
    if (resolved === null || FINAL_STATUSES.includes(resolved.status)) return [];
  }
  const targets = await targetsOf(tx, deployment.deployment_id);
  const events = await eventsOf(tx, deployment.deployment_id);
  const actions = decide(snapshotOf(deployment, targets, events), nowMs);
  const end = actions.find((action) => action.action === 'finish');
  if (end?.action === 'finish') {
    const { deployment_id: deploymentId } = deployment;
    ctx.log.info('a deployment has ended', { deploymentId, status: end.status, errorCode: end.errorCode });
  }
  return applyActions(tx, deployment, targets, actions, { random: ctx.random, nowMs });
}

function snapshotOf(
  deployment: DeploymentRow,
  targets: readonly TargetRow[],
  events: readonly LifecycleEventRow[],
): DeploymentSnapshot {
  const byInstance = Map.groupBy(events, (event) => event.instance_id);
  // Skipped before anything was attempted: it was up to date already, and does not count.
  const wasUpToDate = (target: TargetRow) =>
    target.status === 'Skipped' && deployment.update_outdated_instances_only === 1;
  return {
    createdAtMs: deployment.created_at_ms,
    stopRequestedAtMs: deployment.stop_requested_at_ms,
    minimum: { type: deployment.minimum_type, value: deployment.minimum_value },
    deploymentConfigName: deployment.deployment_config_name,
    ignoreApplicationStopFailures: deployment.ignore_application_stop_failures === 1,
    targets: targets
      .filter((target) => !wasUpToDate(target))
      .map((target) => ({
        instanceId: target.instance_id,
        status: target.status,
        events: (byInstance.get(target.instance_id) ?? []).map((event) => ({
          position: event.position,
          name: event.event_name,
          status: event.status,
          readyAtMs: event.ready_at_ms,
          startedAtMs: event.started_at_ms,
        })),
      })),
  };
}
