/** How far a deployment has come: its events by counts, the phases of blue/green, and the steps of a shift of traffic. Beyond CodeDeploy. */
import type { EventProgressRecord, PhaseRecord, TrafficRecord } from '../../protocol/management/shapes.ts';
import { blueGreenPlanOf, shiftPlanOf } from '../engine/settings.ts';
import type { LambdaDetails, ShiftPlan } from '../engine/shifting/plan.ts';
import type { ServiceDetails } from '../engine/shifting/service-plan.ts';
import { AFTER_READY_WAIT } from '../engine/shifting/service-waits.ts';
import { deploymentOrdersOf } from '../store/deployment-orders.ts';
import { type EventCount, eventCountsOf } from '../store/event-counts.ts';
import { eventsOf } from '../store/lifecycle-events.ts';
import { ordersOfTarget } from '../store/orders.ts';
import type { DeploymentRow, LifecycleEventRow, LifecycleEventStatus } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { targetsOf } from '../store/targets.ts';
import type { Handlers } from './context.ts';
import { phasesOfHosts, phasesOfService } from './deployment-phases.ts';
import { requireDeployment } from './deployments.ts';
import { trafficRecord } from './traffic-steps.ts';

const SHIFTS = 'AllowTraffic';

export const progressHandlers: Handlers<'DescribeDeploymentProgress'> = {
  async DescribeDeploymentProgress(ctx, input) {
    const { db } = ctx.store;
    const deployment = await requireDeployment(db, input);
    const plan = shiftPlanOf(deployment);
    const events = eventRecords(await eventCountsOf(db, deployment.deployment_id), plan);
    if (plan !== null) return { events, ...(await shiftOf(db, deployment, plan)) };
    const blueGreen = blueGreenPlanOf(deployment);
    const orders = blueGreen === null ? [] : await deploymentOrdersOf(db, [deployment.deployment_id]);
    return { events, phases: phasesOfHosts(deployment, blueGreen, orders) };
  },
};

const COUNTED: Readonly<Record<LifecycleEventStatus, keyof EventProgressRecord & `${string}Count`>> = {
  Pending: 'pendingCount',
  InProgress: 'inProgressCount',
  Succeeded: 'succeededCount',
  Failed: 'failedCount',
  Skipped: 'skippedCount',
  Unknown: 'unknownCount',
};

/** In the order in which they run: those of the replacement hosts before those of the original ones. */
function eventRecords(counts: readonly EventCount[], plan: ShiftPlan | null): EventProgressRecord[] {
  const order = (count: EventCount) => (count.label === 'blue' ? 1_000 : 0) + count.position;
  const sorted = counts.toSorted((one, other) => order(one) - order(other));
  return [...Map.groupBy(sorted, ({ label, position }) => `${label} ${position}`).values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const hook = plan?.isRollback === true ? undefined : plan?.prepared?.appSpec.hooks[first.name];
    return {
      lifecycleEventName: first.name,
      ...(first.label === null ? {} : { fleet: first.label }),
      ...(hook === undefined ? {} : { hook }),
      ...{ pendingCount: 0, inProgressCount: 0, succeededCount: 0, failedCount: 0, skippedCount: 0, unknownCount: 0 },
      ...Object.fromEntries(own.map(({ status, count }) => [COUNTED[status], count])),
    };
  });
}

async function shiftOf(
  db: StoreReader,
  deployment: DeploymentRow,
  plan: ShiftPlan,
): Promise<{ phases: PhaseRecord[]; traffic?: TrafficRecord }> {
  const id = deployment.deployment_id;
  const [target] = await targetsOf(db, id);
  const events = target === undefined ? [] : await eventsOf(db, id, target.instance_id);
  const phases = await servicePhases(db, deployment, plan, events);
  const event = events.find(({ event_name }) => event_name === SHIFTS);
  if (target === undefined || event === undefined) return { phases };
  const orders = await ordersOfTarget(db, id, target.instance_id);
  const order = orders.find(({ position }) => position === event.position);
  const percent = percentNow(target.details_json);
  return { phases, traffic: trafficRecord({ schedule: plan.schedule, percent, event, order }) };
}

async function servicePhases(
  db: StoreReader,
  deployment: DeploymentRow,
  { service }: ShiftPlan,
  events: readonly LifecycleEventRow[],
): Promise<PhaseRecord[]> {
  if (service === undefined) return [];
  const production = {
    fromMs: events.find(({ event_name }) => event_name === AFTER_READY_WAIT)?.started_at_ms ?? null,
    toMs: events.at(-1)?.ended_at_ms ?? null,
  };
  return phasesOfService(deployment, service, await deploymentOrdersOf(db, [deployment.deployment_id]), production);
}

/** Percent of the production traffic that the new version has, as the target's platform has last said. */
function percentNow(detailsJson: string | null): number {
  if (detailsJson === null) return 0;
  const details = JSON.parse(detailsJson) as LambdaDetails | ServiceDetails;
  if ('taskSets' in details) return details.taskSets.find(({ label }) => label === 'Green')?.trafficWeight ?? 0;
  return details.targetVersionWeight;
}
