/** Looks at an ECS service, its target groups and its listeners before a deployment to it begins. Nothing is changed. */
import type { EcsAppSpec } from '../../appspec/resources/types.ts';
import {
  type PairDetails,
  type PairPlan,
  pairsOf,
  type ServiceDetails,
  type ServicePlan,
  type TargetGroup,
} from '../engine/shifting/service-plan.ts';
import { AwsFault } from '../outside/aws/aws-fault.ts';
import type { ServiceLook } from '../outside/aws/ecs.ts';
import {
  eachPair,
  faultOfRoute,
  type GroupPair,
  joined,
  type Route,
  sharesOf,
  shownShare,
  standingOf,
} from '../outside/aws/forwarding.ts';
import { type PairRequest, type Roles, rolesOf, type TaskSetSeen } from '../outside/aws/task-sets.ts';
import { FINAL_STATUSES, findDeployment } from '../store/deployments.ts';
import type { Preflight } from './prepare-shift.ts';
import { shownTaskSets } from './service-details.ts';
import { inRegionOf, type ServiceContext, type ServicesContext } from './service-work.ts';
import { ShiftFault } from './shift-retry.ts';

/** ECS documents the calls for task sets for EXTERNAL; a service that CodeDeploy has made is tried. */
const CONTROLLERS: readonly string[] = ['EXTERNAL', 'CODE_DEPLOY'];

export function servicePreflight(services: ServicesContext): Preflight {
  return async (appSpec, { deploymentId, service }, signal) => {
    if (appSpec.platform !== 'ECS' || service === undefined) {
      throw new ShiftFault('INVALID_REVISION', 'The AppSpec file is not for ECS.');
    }
    const seen = await examineService(inRegionOf(services, service), { appSpec, deploymentId, service }, signal);
    const { look, roles, groups, production, pair } = seen;
    const groupOf = (arn: string): TargetGroup => groups.find((group) => group.arn === arn) ?? { name: arn, arn };
    const [first, ...others] = pairsOf<PairPlan>(service).map((plan, index): PairDetails => {
      const { blueGroup, greenGroup } = [roles, ...roles.others][index] ?? roles;
      const { productionListener, testListener } = plan;
      return { blueGroup: groupOf(blueGroup), greenGroup: groupOf(greenGroup), productionListener, testListener };
    });
    const found: Omit<ServiceDetails, 'taskSets'> = {
      ...{ cluster: service.cluster, service: service.service, greenOf: deploymentId, blueId: roles.blue?.id ?? null },
      ...(first as PairDetails),
      ...(others.length === 0 ? {} : { others }),
    };
    const share = shownShare(production, pair) ?? 0;
    const details: ServiceDetails = { ...found, taskSets: shownTaskSets({ ...found, taskSets: [] }, roles, share) };
    const { serviceArn = '', serviceName = '', clusterArn = '' } = look.service;
    const cluster = clusterArn.split('/').at(-1) ?? '';
    return {
      target: { subjectId: serviceArn, targetId: `${cluster}:${serviceName}`, targetArn: serviceArn, details },
      call: `DescribeServices ${service.service}`,
      answer: roles.blue === null ? 'no task set serves yet' : `${roles.blue.id} serves from ${found.blueGroup.name}`,
    };
  };
}

/** A service that can be deployed to, as it stands before. */
export interface ServiceExamined {
  readonly look: ServiceLook;
  readonly roles: Roles;
  /** Those of all pairs. */
  readonly groups: readonly TargetGroup[];
  readonly pair: GroupPair;
  readonly production: Route;
  /** null: the deployment group has no test listener. */
  readonly test: Route | null;
  /** Answer about the task definition, in words. */
  readonly container: string;
}

/** @throws ShiftFault when it cannot be deployed to; AwsFault */
export async function examineService(
  ctx: ServiceContext,
  about: { readonly appSpec: EcsAppSpec; readonly deploymentId: string; readonly service: ServicePlan },
  signal: AbortSignal,
): Promise<ServiceExamined> {
  const { appSpec, deploymentId, service } = about;
  const look = await lookAt(ctx, service, signal);
  requireTaskSets(look, service);
  const plans = pairsOf<PairPlan>(service);
  const found: PairFound[] = [];
  for (const plan of plans) found.push(await lookAtPair(ctx, plan, signal));
  const [first, ...others] = found as [PairFound, ...PairFound[]];
  const groups = found.flatMap((one) => one.groups);
  const production = joined([first.production, ...others.map((one) => one.production)]);
  const [firstTest, ...otherTests] = found.flatMap((one) => one.test ?? []);
  const test = firstTest === undefined ? null : joined([firstTest, ...otherTests]);
  const roles = rolesFor(look, deploymentId, [first, ...others]);
  const pair: GroupPair = {
    ...{ blue: roles.blueGroup, green: roles.greenGroup },
    ...(others.length === 0
      ? {}
      : { others: roles.others.map(({ blueGroup, greenGroup }) => ({ blue: blueGroup, green: greenGroup })) }),
  };
  for (const [index, one] of found.entries()) requireRoutes(one, eachPair(pair)[index] ?? pair);
  requireBlueServes(production, pair, roles);
  await requireFreeGroup(ctx, roles.leftovers);
  const container = await requireContainer(ctx, appSpec, signal);
  return { look, roles, groups, pair, production, test, container };
}

async function lookAt(
  { ecs }: Pick<ServiceContext, 'ecs'>,
  ref: ServicePlan,
  signal: AbortSignal,
): Promise<ServiceLook> {
  try {
    return await ecs.describe(ref, signal);
  } catch (error) {
    if (!(error instanceof AwsFault) || error.trouble !== 'missing') throw error;
    throw new ShiftFault(
      'INVALID_ECS_SERVICE',
      `There is no service ${ref.service} in the cluster ${ref.cluster}. ${error.call}: ${error.answer}.`,
    );
  }
}

/** @throws ShiftFault INVALID_ECS_SERVICE for a service that has no task sets to deploy with */
function requireTaskSets({ service }: ServiceLook, { service: name }: ServicePlan): void {
  if (service.status !== 'ACTIVE') {
    throw new ShiftFault('INVALID_ECS_SERVICE', `The service ${name} is ${service.status}, and must be ACTIVE.`);
  }
  // ECS has it for services that it deploys itself. A new task set would not be in its namespace.
  if (service.deployments?.some(({ serviceConnectConfiguration }) => serviceConnectConfiguration?.enabled === true)) {
    const why = `The service ${name} uses Service Connect, which task sets cannot join. Use service discovery (serviceRegistries), or turn it off.`;
    throw new ShiftFault('INVALID_ECS_SERVICE', why);
  }
  const controller = service.deploymentController?.type ?? 'ECS';
  if (CONTROLLERS.includes(controller)) return;
  throw new ShiftFault(
    'INVALID_ECS_SERVICE',
    `The service ${name} has the deployment controller ${controller}, so ECS deploys it itself. Make it with --deployment-controller type=EXTERNAL.`,
  );
}

/** A pair of the deployment group, and the routes before it. */
interface PairFound {
  readonly groups: readonly [TargetGroup, TargetGroup];
  readonly production: Route;
  /** null: the pair has no test listener. */
  readonly test: Route | null;
}

async function lookAtPair(
  ctx: Pick<ServiceContext, 'listeners'>,
  plan: PairPlan,
  signal: AbortSignal,
): Promise<PairFound> {
  const groups = await groupsOf(ctx, plan, signal);
  const production = await routeOf(ctx, plan.productionListener, signal);
  const test = plan.testListener === null ? null : await routeOf(ctx, plan.testListener, signal);
  return { groups, production, test };
}

async function groupsOf(
  { listeners }: Pick<ServiceContext, 'listeners'>,
  { targetGroups }: PairPlan,
  signal: AbortSignal,
): Promise<readonly [TargetGroup, TargetGroup]> {
  try {
    const [first, second] = await listeners.targetGroups(targetGroups, signal);
    if (first !== undefined && second !== undefined) return [first, second];
    throw new ShiftFault('ELASTIC_LOAD_BALANCING_INVALID', `There are no target groups ${targetGroups.join(' and ')}.`);
  } catch (error) {
    throw missingAs(error, `There are no target groups ${targetGroups.join(' and ')}.`);
  }
}

async function routeOf(
  { listeners }: Pick<ServiceContext, 'listeners'>,
  arn: string,
  signal: AbortSignal,
): Promise<Route> {
  try {
    return await listeners.route(arn, signal);
  } catch (error) {
    throw missingAs(error, `There is no listener ${arn}.`);
  }
}

function missingAs(error: unknown, what: string): unknown {
  if (!(error instanceof AwsFault) || error.trouble !== 'missing') return error;
  return new ShiftFault('ELASTIC_LOAD_BALANCING_INVALID', `${what} ${error.call}: ${error.answer}.`);
}

function rolesFor(
  look: ServiceLook,
  deploymentId: string,
  [first, ...others]: readonly [PairFound, ...PairFound[]],
): Roles {
  const requestOf = ({ groups: [one, two], production }: PairFound): PairRequest => {
    const [share] = sharesOf(production, { blue: one.arn, green: two.arn });
    const serving = share === undefined ? null : share.green > 50 ? two.arn : one.arn;
    return { pair: [one.arn, two.arn], servingGroup: serving };
  };
  const about = { deploymentId, knownBlueId: null, ...requestOf(first), others: others.map(requestOf) };
  const roles = rolesOf(look.taskSets, about);
  if (typeof roles === 'string') throw new ShiftFault('INVALID_ECS_SERVICE', roles);
  return roles;
}

/** @throws ShiftFault ELASTIC_LOAD_BALANCING_INVALID */
function requireRoutes({ production, test }: Omit<PairFound, 'groups'>, pair: GroupPair): void {
  for (const route of test === null ? [production] : [production, test]) {
    const fault = faultOfRoute(route, pair);
    if (fault !== null) throw new ShiftFault('ELASTIC_LOAD_BALANCING_INVALID', fault);
  }
  if (production.hasWeights || test !== null) return;
  throw new ShiftFault(
    'ELASTIC_LOAD_BALANCING_INVALID',
    'A Network Load Balancer checks the health of the new tasks only behind a listener, and the deployment group has no test listener. ' +
      'Give it one: testTrafficRoute in targetGroupPairInfoList.',
  );
}

/** Traffic that goes to the other group would find no tasks there, unless an earlier deployment has left some. */
function requireBlueServes(production: Route, pair: GroupPair, { blue, leftovers }: Roles): void {
  if (blue === null || leftovers.length > 0) return;
  const idle = eachPair(pair).find((one) => {
    return !production.places.some((place) => {
      const standing = standingOf(place, one);
      return standing.kind === 'pair' && standing.hasBlue;
    });
  });
  if (idle === undefined) return;
  throw new ShiftFault(
    'ELASTIC_LOAD_BALANCING_INVALID',
    `The task set ${blue.id} is PRIMARY, and the listener ${production.listenerArn} does not forward to its target group ${idle.blue}. ` +
      'Let it forward there.',
  );
}

/** @throws ShiftFault INVALID_ECS_SERVICE for a task set in the green group that no finished deployment of this server has left */
export async function requireFreeGroup(
  { store }: Pick<ServiceContext, 'store'>,
  leftovers: readonly TaskSetSeen[],
): Promise<void> {
  for (const { id, status, externalId } of leftovers) {
    if (status === 'DRAINING') continue;
    const maker = externalId === null ? null : await findDeployment(store.db, externalId);
    if (maker !== null && FINAL_STATUSES.includes(maker.status)) continue;
    throw new ShiftFault(
      'INVALID_ECS_SERVICE',
      `The task set ${id} (${status}) has the target group that the new task set needs, and no finished deployment of this server has left it. ` +
        `If it is not needed, delete it: aws ecs delete-task-set --force --task-set ${id} with --cluster and --service.`,
    );
  }
}

/** A container or a port that is not there would only show when ECS refuses the task set. @returns what ECS has answered, in words */
async function requireContainer(
  { ecs }: Pick<ServiceContext, 'ecs'>,
  { taskDefinition, containerName, containerPort }: EcsAppSpec,
  signal: AbortSignal,
): Promise<string> {
  let containers: Awaited<ReturnType<ServiceContext['ecs']['describeTaskDefinition']>>['containerDefinitions'];
  try {
    ({ containerDefinitions: containers = [] } = await ecs.describeTaskDefinition(taskDefinition, signal));
  } catch (error) {
    // Without the right to look at task definitions, a wrong one shows at CreateTaskSet.
    if (error instanceof AwsFault && error.trouble === 'denied') return error.answer;
    const isMissing = error instanceof AwsFault && (error.trouble === 'missing' || error.trouble === 'refused');
    if (!isMissing) throw error;
    throw new ShiftFault('ECS_UPDATE_ERROR', `There is no task definition ${taskDefinition}. ${error.answer}.`);
  }
  const container = containers.find(({ name }) => name === containerName);
  if (container === undefined) {
    const names = containers.map(({ name }) => name).join(', ');
    const why = `The task definition ${taskDefinition} has no container ${containerName} (ContainerName); it has ${names}.`;
    throw new ShiftFault('INVALID_REVISION', why);
  }
  const ports = (container.portMappings ?? []).flatMap((mapping) => mapping.containerPort ?? []);
  if (ports.includes(containerPort)) return `it has the container ${containerName} with the port ${containerPort}`;
  const why = `The container ${containerName} of ${taskDefinition} has no port ${containerPort} (ContainerPort); it has ${ports.join(', ') || 'none'}.`;
  throw new ShiftFault('INVALID_REVISION', why);
}
