/** Asks AWS which hosts are the replacement in a blue/green deployment, and writes down what it says. */
import type { Clock } from '../../system/clock.ts';
import type { ReplacementPlan } from '../engine/hosts/blue-green-plan.ts';
import { INSTANCE_TAG } from '../engine/hosts/ec2-identity.ts';
import { membersAfter } from '../engine/hosts/fleet.ts';
import { blueGreenPlanOf } from '../engine/settings.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { FleetReader } from '../outside/aws/fleet.ts';
import { lockDeployment } from '../store/deployments.ts';
import { findReplacementFleet, hostsOnEc2, putReplacementFleet } from '../store/fleets.ts';
import type { DeploymentRow, ReplacementFleetRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { fleetFailureAfter, fleetFailureOf, nextFleetReadingMs } from './fleet-readings.ts';

export interface ReplacementContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly readFleet: FleetReader;
}

type Deployment = Pick<DeploymentRow, 'deployment_id' | 'settings_json'>;

const READ_LIMIT_MS = 20_000;

/** Whether AWS is to be asked now. AWS is not asked about hosts that somebody else makes: their maker tells when they are there. */
export function isReplacementDue(deployment: Deployment, known: ReplacementFleetRow | null, nowMs: number): boolean {
  const plan = greenPlanOf(deployment);
  if (plan?.greenInAws === undefined || plan.copiedGroup !== undefined || known?.read_at_ms) return false;
  return nowMs >= nextFleetReadingMs(fleetFailureOf(known));
}

/** @returns whether there is news */
export async function readReplacement(
  ctx: ReplacementContext,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<boolean> {
  const plan = greenPlanOf(deployment);
  if (plan?.greenInAws === undefined) return false;
  const beganAtMs = ctx.clock.now();
  const request = { filterLists: plan.greenFilterLists, autoScalingGroups: plan.greenInAws.autoScalingGroups };
  try {
    const found = await ctx.readFleet(request, AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]));
    return await noteReplacement(ctx, deployment.deployment_id, found, beganAtMs);
  } catch (error) {
    if (signal.aborted || !(error instanceof AwsFault)) throw error;
    await noteFailure(ctx, deployment.deployment_id, error);
    return true;
  }
}

/**
 * Asks once more while the replacement hosts wait for traffic: Auto Scaling may end some of them meanwhile. If AWS does not answer, its last
 * answer stays.
 */
export async function readReplacementAgain(
  ctx: ReplacementContext,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<false> {
  const plan = greenPlanOf(deployment);
  if (plan?.greenInAws === undefined) return false;
  const beganAtMs = ctx.clock.now();
  const request = { filterLists: plan.greenFilterLists, autoScalingGroups: plan.greenInAws.autoScalingGroups };
  try {
    const found = await ctx.readFleet(request, AbortSignal.any([signal, AbortSignal.timeout(READ_LIMIT_MS)]));
    await noteReplacement(ctx, deployment.deployment_id, found, beganAtMs);
  } catch (error) {
    if (signal.aborted || !(error instanceof AwsFault)) throw error;
  }
  return false;
}

function greenPlanOf(deployment: Deployment): ReplacementPlan | null {
  const plan = blueGreenPlanOf(deployment);
  return plan?.course === 'blue-green' ? plan : null;
}

/** @returns false: the deployment is gone */
export async function noteReplacement(
  { store, clock }: Pick<ReplacementContext, 'store' | 'clock'>,
  deploymentId: string,
  found: Awaited<ReturnType<FleetReader>>,
  beganAtMs: number,
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const deployment = await lockDeployment(tx, deploymentId);
    if (deployment === null) return false;
    const known = { found, before: [], hosts: await hostsOnEc2(tx, INSTANCE_TAG) };
    const members = membersAfter(deployment.deployment_group_id, known, clock.now());
    const row = { deployment_id: deploymentId, read_at_ms: beganAtMs, failing_json: null };
    await putReplacementFleet(tx, { ...row, members_json: JSON.stringify(members) });
    return true;
  });
}

async function noteFailure({ store, clock }: ReplacementContext, deploymentId: string, fault: AwsFault): Promise<void> {
  await store.transaction(async (tx) => {
    if ((await lockDeployment(tx, deploymentId)) === null) return;
    const before = fleetFailureOf(await findReplacementFleet(tx, deploymentId));
    const failing_json = JSON.stringify(fleetFailureAfter(before, fault, clock.now()));
    await putReplacementFleet(tx, { deployment_id: deploymentId, read_at_ms: null, failing_json, members_json: '[]' });
  });
}
