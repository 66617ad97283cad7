/** Orders about the Auto Scaling group of a blue/green deployment: to copy it, to complete the copy once it has the traffic, to delete the original. */
import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { Clock } from '../../system/clock.ts';
import type { CopiedGroup } from '../engine/hosts/blue-green-plan.ts';
import { INSTANCE_TAG } from '../engine/hosts/ec2-identity.ts';
import { membersAfter } from '../engine/hosts/fleet.ts';
import { blueGreenPlanOf } from '../engine/settings.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { CopiedGroups } from '../outside/aws/copied-groups.ts';
import type { FleetReader } from '../outside/aws/fleet.ts';
import type { DeploymentOrderKind } from '../store/deployment-orders.ts';
import { findDeployment } from '../store/deployments.ts';
import { hostsOnEc2 } from '../store/fleets.ts';
import type { OrderRow } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import { afterAwsFault } from './after-aws-fault.ts';
import type { OrderHandler, Progress, Standing } from './order.ts';
import { noteReplacement } from './read-replacement.ts';

export interface CopyContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly groups: CopiedGroups;
  readonly readFleet: FleetReader;
}

type CopyKind = Extract<
  DeploymentOrderKind,
  'CopyAutoScalingGroup' | 'CompleteAutoScalingGroup' | 'DeleteAutoScalingGroup'
>;

/** Instances may take so long to start, to come into service and to enrol; and a group to be deleted. */
const LIMIT_MS = 60 * 60_000;
const LOOK_MS = 5_000;

/** One look, and one nudge. */
type Work = (ctx: CopyContext, subject: Subject, signal: AbortSignal) => Promise<Outlook>;

interface Subject extends CopiedGroup {
  readonly deploymentId: string;
}

type Outlook = { readonly call: string; readonly answer: string; readonly isDone: boolean };

/** Handlers by the kind of an order. */
export function copyHandlers(ctx: CopyContext): Readonly<Record<CopyKind, OrderHandler>> {
  const handler =
    (work: Work): OrderHandler =>
    (order, { signal }) =>
      carryOut(ctx, order, work, signal);
  return {
    CopyAutoScalingGroup: handler(copy),
    CompleteAutoScalingGroup: handler(complete),
    DeleteAutoScalingGroup: handler(remove),
  };
}

async function carryOut(ctx: CopyContext, order: OrderRow, work: Work, signal: AbortSignal): Promise<Progress> {
  const deployment = await findDeployment(ctx.store.db, order.deployment_id);
  const plan = deployment === null ? null : blueGreenPlanOf(deployment);
  if (plan?.course !== 'blue-green' || plan.copiedGroup === undefined) {
    const message = 'The deployment copies no Auto Scaling group.';
    return { memory: null, lastCall: null, lastAnswer: null, ending: 'Failed', message };
  }
  const ageMs = ctx.clock.now() - order.given_at_ms;
  try {
    const look = await work(ctx, { ...plan.copiedGroup, deploymentId: order.deployment_id }, signal);
    const standing: Standing = { memory: {}, lastCall: look.call, lastAnswer: look.answer };
    if (look.isDone) return { ...standing, ending: 'Succeeded', message: `${look.call}: ${look.answer}.` };
    if (ageMs < LIMIT_MS) return { ...standing, ending: 'later', inMs: LOOK_MS };
    const message = `TIMEOUT: It was not so within an hour. ${look.call}: ${look.answer}.`;
    return { ...standing, ending: 'Failed', message };
  } catch (error) {
    if (!(error instanceof AwsFault)) throw error;
    return afterAwsFault(order, error, { isAutoScaling: true, memory: {} }, ctx.clock.now());
  }
}

/** Makes the copy, and waits until as many of its instances are in service, and enrolled hosts, as it is to have. */
async function copy(ctx: CopyContext, subject: Subject, signal: AbortSignal): Promise<Outlook> {
  const { original, copy: name, deploymentId } = subject;
  const made = await ctx.groups.find(name, signal);
  if (made === null) {
    await ctx.groups.make(await requireGroup(ctx, original, signal), name, signal);
    return { call: `CreateAutoScalingGroup ${name}`, answer: 'it is being made', isDone: false };
  }
  const call = `DescribeAutoScalingGroups ${name}`;
  const wanted = made.DesiredCapacity ?? 0;
  const beganAtMs = ctx.clock.now();
  const found = await ctx.readFleet({ filterLists: [], autoScalingGroups: [name] }, signal);
  const serving = found.filter(({ stage }) => stage === 'in-service');
  const hosts = await hostsOnEc2(ctx.store.db, INSTANCE_TAG);
  const members = membersAfter(deploymentId, { found: serving, before: [], hosts }, beganAtMs);
  const missing = members.filter(({ instance_id }) => instance_id === null).map((member) => member.ec2_instance_id);
  const which = missing.length === 0 ? '' : `; no enrolled host is ${missing.slice(0, 5).join(', ')}`;
  const answer = `${serving.length} of ${wanted} instances are in service${which}`;
  const isDone = serving.length >= wanted && missing.length === 0;
  if (isDone) await noteReplacement(ctx, deploymentId, found, beganAtMs);
  return { call, answer, isDone };
}

/** The copy scales, and its later instances come to the load balancers, as those of the original did. */
async function complete(ctx: CopyContext, { original, copy: name }: Subject, signal: AbortSignal): Promise<Outlook> {
  const group = await ctx.groups.find(original, signal);
  if (group === null) return { call: `DescribeAutoScalingGroups ${original}`, answer: 'it is gone', isDone: true };
  await ctx.groups.complete(group, name, signal);
  await ctx.groups.attachBalancers(group, name, signal);
  return { call: `AttachLoadBalancers ${name}`, answer: 'it has what the original has', isDone: true };
}

async function remove(ctx: CopyContext, { original }: Subject, signal: AbortSignal): Promise<Outlook> {
  const call = `DeleteAutoScalingGroup ${original}`;
  const group = await ctx.groups.find(original, signal);
  if (group === null) return { call, answer: 'it is gone', isDone: true };
  if (!group.Status) await ctx.groups.remove(original, signal);
  return { call, answer: group.Status ?? 'it is being deleted', isDone: false };
}

/** @throws AwsFault */
async function requireGroup(ctx: CopyContext, name: string, signal: AbortSignal): Promise<AutoScalingGroup> {
  const group = await ctx.groups.find(name, signal);
  if (group !== null) return group;
  const answer = `there is no Auto Scaling group ${name}`;
  throw new AwsFault(`DescribeAutoScalingGroups ${name}`, { trouble: 'missing', code: '', answer });
}
