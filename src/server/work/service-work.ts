/** Orders about an ECS service: what each is given, and what it sees of the service before it acts. */
import type { Clock } from '../../system/clock.ts';
import { shiftPlanOf } from '../engine/settings.ts';
import type { ShiftPlan, StoredEcsSpec } from '../engine/shifting/plan.ts';
import { type PairDetails, pairsOf, type ServiceDetails } from '../engine/shifting/service-plan.ts';
import type { EcsCalls, ServiceLook } from '../outside/aws/ecs.ts';
import { type GroupPair, joined, type Route, shownShare } from '../outside/aws/forwarding.ts';
import type { ListenerCalls } from '../outside/aws/listeners.ts';
import { type PairRequest, type Roles, rolesOf } from '../outside/aws/task-sets.ts';
import { findDeployment } from '../store/deployments.ts';
import type { DeploymentRow, OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findTarget } from '../store/targets.ts';
import type { OrderCall } from './order.ts';
import { shownTaskSets } from './service-details.ts';
import { ShiftFault } from './shift-retry.ts';

export interface ServicesContext {
  readonly store: Pick<Store, 'db'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly callsIn: (region: string) => ServiceCalls;
}

export interface ServiceCalls {
  readonly ecs: EcsCalls;
  readonly listeners: ListenerCalls;
}

/** The context of one service, whose calls go to its own region. */
export type ServiceContext = Pick<ServicesContext, 'store' | 'clock'> & ServiceCalls;

/** A service is in the region of its listeners: their ARNs name it, and the names of services do not. */
export function inRegionOf(
  { store, clock, callsIn }: ServicesContext,
  { productionListener }: { readonly productionListener: string },
): ServiceContext {
  return { store, clock, ...callsIn(productionListener.split(':')[3] ?? '') };
}

/** An order with all that it is about. */
export interface ServiceWork {
  readonly ctx: ServiceContext;
  readonly order: OrderRow;
  readonly call: OrderCall;
  readonly deployment: DeploymentRow;
  readonly plan: ShiftPlan;
  readonly spec: StoredEcsSpec;
  /** As the target has them now. */
  readonly details: ServiceDetails;
  readonly pair: GroupPair;
}

/** @returns null: the deployment is none to ECS */
export async function serviceWork(
  services: ServicesContext,
  order: OrderRow,
  call: OrderCall,
): Promise<ServiceWork | null> {
  const { db } = services.store;
  const deployment = await findDeployment(db, order.deployment_id);
  const plan = deployment === null ? null : shiftPlanOf(deployment);
  const prepared = plan?.prepared;
  const spec = prepared?.appSpec;
  if (deployment === null || plan === null || prepared === undefined || spec?.platform !== 'ECS') return null;
  const target = await findTarget(db, order.deployment_id, order.instance_id);
  const details = (
    target?.details_json == null ? prepared.target.details : JSON.parse(target.details_json)
  ) as ServiceDetails;
  const pair = pairIn(details);
  return { ctx: inRegionOf(services, details), order, call, deployment, plan, spec, details, pair };
}

/** The ARNs of all pairs. */
export function pairIn(details: ServiceDetails): GroupPair {
  const arnsOf = ({ blueGroup, greenGroup }: PairDetails) => ({ blue: blueGroup.arn, green: greenGroup.arn });
  const [first, ...others] = pairsOf<PairDetails>(details);
  return { ...arnsOf(first), ...(others.length === 0 ? {} : { others: others.map(arnsOf) }) };
}

/** The service and its task sets as they are now. */
export interface ServiceSeen extends Pick<Roles, 'blue' | 'green' | 'leftovers'> {
  readonly look: ServiceLook;
}

/** @throws ShiftFault INVALID_ECS_SERVICE when another task set has become PRIMARY meanwhile; AwsFault */
export async function lookAtService({ ctx, details, call }: ServiceWork): Promise<ServiceSeen> {
  const look = await ctx.ecs.describe(details, call.signal);
  const requestOf = ({ blueGroup, greenGroup }: PairDetails): PairRequest => {
    return { pair: [blueGroup.arn, greenGroup.arn], servingGroup: greenGroup.arn };
  };
  const [first, ...others] = pairsOf<PairDetails>(details);
  const roles = rolesOf(look.taskSets, {
    ...{ deploymentId: details.greenOf, knownBlueId: details.blueId },
    ...requestOf(first),
    others: others.map(requestOf),
  });
  if (typeof roles === 'string') throw new ShiftFault('INVALID_ECS_SERVICE', roles);
  const greens = [roles, ...roles.others].map(({ greenGroup }) => greenGroup);
  if (pairsOf<PairDetails>(details).some(({ greenGroup }, index) => greenGroup.arn !== greens[index])) {
    const primary = look.taskSets.find(({ status }) => status === 'PRIMARY');
    throw new ShiftFault(
      'INVALID_ECS_SERVICE',
      `Somebody else has made the task set ${primary?.id} PRIMARY since the deployment began. It is left so. Deploy again.`,
    );
  }
  return { ...roles, look };
}

/** The listeners of production as they are now: one route, whose places all get the same share. */
export async function lookAtProduction({ ctx, details, call }: Looking): Promise<Route> {
  const [first, ...others] = pairsOf<PairDetails>(details).map(({ productionListener }) => productionListener);
  return lookAt({ ctx, call }, [first as string, ...others]);
}

/** The test listeners as they are now; null: the deployment group has none. */
export async function lookAtTests({ ctx, details, call }: Looking): Promise<Route | null> {
  const [first, ...others] = pairsOf<PairDetails>(details).flatMap(({ testListener }) => testListener ?? []);
  return first === undefined ? null : lookAt({ ctx, call }, [first, ...others]);
}

/** What a look at listeners needs of an order. */
type Looking = Pick<ServiceWork, 'details'> & {
  readonly ctx: Pick<ServiceContext, 'listeners'>;
  readonly call: Pick<OrderCall, 'signal'>;
};

async function lookAt(
  { ctx, call }: Omit<Looking, 'details'>,
  [first, ...others]: readonly [string, ...string[]],
): Promise<Route> {
  const route = await ctx.listeners.route(first, call.signal);
  const more: Route[] = [];
  for (const arn of new Set(others)) if (arn !== first) more.push(await ctx.listeners.route(arn, call.signal));
  return joined([route, ...more]);
}

/** @param production null: it was not looked at, and the shares are what they were */
export function detailsAfter(
  { details, pair }: ServiceWork,
  seen: ServiceSeen,
  production: Route | null,
): ServiceDetails {
  const green = production === null ? null : shownShare(production, pair);
  return { ...details, taskSets: shownTaskSets(details, seen, green) };
}

/** Looks are close together in the beginning, for task sets that are quick. Milliseconds. */
export function lookPauseMs(ageMs: number): number {
  return Math.min(5_000, Math.max(100, Math.floor(ageMs / 5)));
}

export function ageOf({ ctx, order }: ServiceWork): number {
  return ctx.clock.now() - order.given_at_ms;
}
