/** Orders to make the replacement hosts of a blue/green deployment, and to end its original ones, by programs of the operator's. */
import type { Clock } from '../../system/clock.ts';
import { membersOf } from '../engine/hosts/members.ts';
import { tagsThatMatch } from '../engine/hosts/membership.ts';
import { blueGreenPlanOf } from '../engine/settings.ts';
import type { FindFleetPrograms } from '../outside/fleet-programs.ts';
import { findDeployment } from '../store/deployments.ts';
import { instanceTagsOf } from '../store/instance-tags.ts';
import type { DeploymentRow, OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { findTarget } from '../store/targets.ts';
import type { OrderCall, OrderHandler, Progress } from './order.ts';
import { type MadeHosts, madeHostsOf, missingHosts, NOT_RUN, type ProgramMemory } from './program-progress.ts';
import { runOnce } from './run-for-order.ts';

export interface FleetContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly findPrograms: FindFleetPrograms;
}

/** Memory of an order to make hosts, beside its program's runs. */
interface ProvisionMemory extends ProgramMemory {
  /** How many original hosts there are: as many are wanted. */
  readonly originals: number;
  /** Hosts that the program has made, its words, and the time; absent: it is not done. */
  readonly made?: { readonly hosts: MadeHosts; readonly said: string; readonly atMs: number };
}

const LOOK_MS = 1_000;

/** Programs at once, each as long as its own limit, of which one hour is the longest. */
export const PACE_OF_PROGRAMS = { maxCalls: 8, callLimitMs: 61 * 60_000 };

/** Handlers by the kind of an order. */
export function fleetHandlers(
  ctx: FleetContext,
): Readonly<Record<'ProvisionByProgram' | 'TerminateByProgram', OrderHandler>> {
  return {
    ProvisionByProgram: (order, call) => provision(ctx, order, call),
    TerminateByProgram: (order, call) => terminate(ctx, order, call),
  };
}

async function provision(ctx: FleetContext, order: OrderRow, call: OrderCall): Promise<Progress> {
  const memory = { ...NOT_RUN, ...(JSON.parse(order.memory_json ?? '{}') as ProvisionMemory) };
  const deployment = await findDeployment(ctx.store.db, order.deployment_id);
  const program = deployment === null ? null : programsOf(ctx, deployment).provision;
  if (deployment === null || program === null) return unknownProgram('provision');
  const filterLists = greenFiltersOf(deployment);
  const wait = { filterLists, enrolMs: program.enrolMs };
  if (memory.made !== undefined) return awaitHosts(ctx, { ...memory, made: memory.made }, wait);
  const environment = {
    SLIPWAY_ACTION: 'provision',
    SLIPWAY_COUNT: String(memory.originals),
    SLIPWAY_TAGS: JSON.stringify(tagsThatMatch(filterLists)),
    SLIPWAY_TAG_FILTERS: JSON.stringify(filterLists),
  };
  const requestId = `${order.deployment_id}/provision`;
  const ran = await runOnce(ctx.clock, { order, deployment, requestId, program, memory, environment, call });
  if ('ending' in ran) return ran;
  // What a run that was cut off has made enrols anyway, and so many hosts are known to be wanted.
  const hosts = madeHostsOf(ran.run?.stdout ?? '') ?? { count: memory.originals };
  const made = { hosts, said: ran.run?.said ?? ran.why, atMs: ctx.clock.now() };
  return awaitHosts(ctx, { ...memory, ...ran.memory, made }, wait);
}

async function awaitHosts(
  { store, clock }: FleetContext,
  memory: ProvisionMemory & Required<Pick<ProvisionMemory, 'made'>>,
  { filterLists, enrolMs }: { readonly filterLists: ReturnType<typeof greenFiltersOf>; readonly enrolMs: number },
): Promise<Progress> {
  const { made } = memory;
  const members = await store.transaction((tx) => membersOf(tx, { filterLists }), 'lazy');
  const missing = missingHosts(
    made.hosts,
    members.map(({ instance_name }) => instance_name),
  );
  const { names } = missing;
  const which = names.length === 0 ? '' : `: ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' and others' : ''}`;
  const answer = missing.count === 0 ? 'all hosts have enrolled' : `${missing.count} have not enrolled${which}`;
  const standing = {
    memory,
    lastCall: 'look for replacement hosts with the tags of targetInstances',
    lastAnswer: answer,
  };
  if (missing.count === 0) return { ...standing, ending: 'Succeeded', message: made.said };
  if (clock.now() - made.atMs < enrolMs) return { ...standing, ending: 'later', inMs: LOOK_MS };
  const message =
    `Of the replacement hosts ${missing.count} did not enrol with the tags of targetInstances within ${enrolMs / 1000} seconds${which}. ` +
    `The provision program said: ${made.said}`;
  return { ...standing, ending: 'Failed', message };
}

async function terminate(ctx: FleetContext, order: OrderRow, call: OrderCall): Promise<Progress> {
  const memory = { ...NOT_RUN, ...(JSON.parse(order.memory_json ?? '{}') as ProgramMemory) };
  const { deployment_id: deploymentId, instance_id: instanceId } = order;
  const deployment = await findDeployment(ctx.store.db, deploymentId);
  const program = deployment === null ? null : programsOf(ctx, deployment).terminate;
  if (deployment === null || program === null) return unknownProgram('terminate');
  const target = await findTarget(ctx.store.db, deploymentId, instanceId);
  const tags = (await instanceTagsOf(ctx.store.db, [instanceId])).get(instanceId) ?? [];
  const host = target?.target_id ?? instanceId;
  const environment = {
    SLIPWAY_ACTION: 'terminate',
    SLIPWAY_HOST: host,
    SLIPWAY_TAGS: JSON.stringify(Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]))),
  };
  const requestId = `${deploymentId}/terminate/${host}`;
  const ran = await runOnce(ctx.clock, { order, deployment, requestId, program, memory, environment, call });
  if ('ending' in ran) return ran;
  const standing = { memory: ran.memory, lastCall: program.command.join(' '), lastAnswer: ran.run?.said ?? ran.why };
  if (ran.run === null) return { ...standing, ending: 'Failed', message: ran.why };
  return { ...standing, ending: 'Succeeded', message: ran.run.said };
}

function unknownProgram(what: string): Progress {
  const message = `This server's file behind --fleets has no ${what} program for the deployment group any more.`;
  return { memory: null, lastCall: null, lastAnswer: null, ending: 'Failed', message };
}

function programsOf({ findPrograms }: FleetContext, deployment: DeploymentRow) {
  return findPrograms(deployment.application_name, deployment.deployment_group_name);
}

function greenFiltersOf(deployment: DeploymentRow) {
  const plan = blueGreenPlanOf(deployment);
  return plan?.course === 'blue-green' ? plan.greenFilterLists : [];
}
