/**
 * A small ECS with its state in memory, as answers of `aws-stand-in`: one service behind the listeners of `elb-world`. Task sets take time,
 * never become steady, or lose tasks, as a test says. moto does none of that.
 */
import { type AwsAnswer, type AwsCall, AwsRefusal, type AwsStandIn } from './aws-stand-in.ts';
import {
  ACCOUNT,
  type Balanced,
  elbHandlers,
  type Fields,
  forwardTo,
  GROUPS,
  groupArn,
  groupNamed,
  INNER,
  INNER_GROUPS,
  INNER_TESTS,
  isInUse,
  ofNetwork,
  PRODUCTION,
  REGION,
  RULE,
  shareOf,
  TESTS,
} from './elb-world.ts';

const ECS = `arn:aws:ecs:${REGION}:${ACCOUNT}`;
export const taskDefinition = (revision: number) => `${ECS}:task-definition/shop:${revision}`;

interface WorldTask {
  readonly arn: string;
  readonly startedBy: string;
}

export interface WorldTaskSet {
  readonly id: string;
  readonly arn: string;
  status: 'PRIMARY' | 'ACTIVE' | 'DRAINING';
  readonly externalId: string;
  readonly taskDefinition: string;
  /** Target group of the first pair. */
  readonly group: string;
  /** Target groups of all pairs. */
  readonly groups: readonly string[];
  running: number;
  /** Looks until it is gone once it drains. */
  drainsFor: number;
  /** The request that made it. */
  readonly request: Readonly<Fields>;
}

export interface EcsWorld extends Balanced {
  readonly answers: AwsStandIn['answers'];
  readonly taskSets: WorldTaskSet[];
  /** How many task sets were made so far, those included that are gone. */
  made: number;
  /** Revision of the task definition that was registered last. */
  definitions: number;
  /** How new tasks behave: one starts with each look, none ever does, or each fails. */
  starts: 'one by one' | 'never' | 'fail';
  /** How many looks a task set drains for. */
  drainsFor: number;
  desired: number;
  /** Controller of the service, its status, or no service at all. */
  service: { controller: string; status: string; usesServiceConnect?: boolean } | null;
  /** Called before each call takes effect. An answer takes the place of the usual one, and the call then has no effect. */
  before: (call: AwsCall) => AwsAnswer | undefined | Promise<AwsAnswer | undefined>;
  /** Called after a call has had its effect. An answer takes the place of the usual one. */
  after: (call: AwsCall) => AwsAnswer | undefined | Promise<AwsAnswer | undefined>;
  /** Puts a task set in without a call, all its tasks running. */
  add(set: {
    readonly group: string;
    readonly status: 'PRIMARY' | 'ACTIVE';
    readonly externalId?: string;
  }): WorldTaskSet;
  /** Percent of the traffic of a place that goes to a target group. */
  shareOf(place: string, group: string): number;
}

interface WorldOptions {
  /** Whether the balancer is a Network Load Balancer, which has no rules. */
  readonly isNetwork?: boolean;
  /** Whether the service has a second pair, behind listeners of its own. */
  readonly hasInner?: boolean;
}

export function createEcsWorld({ isNetwork = false, hasInner = false }: WorldOptions = {}): EcsWorld {
  const places = isNetwork ? [ofNetwork(PRODUCTION), ofNetwork(TESTS)] : [PRODUCTION, RULE, TESTS];
  const placeOf = (arn: string, group: string): [string, Fields[]] => [arn, [forwardTo(group)]];
  const inner = (hasInner ? [INNER, INNER_TESTS] : []).map((arn) => placeOf(arn, INNER_GROUPS[0]));
  const stopped: WorldTask[] = [];
  const world: EcsWorld = {
    answers: {},
    ...{ taskSets: [], made: 0, definitions: 0 },
    places: new Map([...places.map((arn) => placeOf(arn, GROUPS[0])), ...inner]),
    shares: [],
    starts: 'one by one',
    drainsFor: 1,
    desired: 2,
    service: { controller: 'EXTERNAL', status: 'ACTIVE' },
    before: () => undefined,
    after: () => undefined,
    add({ group, status, externalId = '' }) {
      world.made += 1;
      const groups = [group, ...(hasInner ? [INNER_GROUPS[group === GROUPS[0] ? 0 : 1]] : [])];
      const parts = { externalId, groups, taskDefinition: taskDefinition(world.made), request: {} };
      const set = newTaskSet(world.made, parts);
      set.status = status;
      set.running = world.desired;
      world.taskSets.push(set);
      return set;
    },
    shareOf: (place, group) => shareOf(world.places.get(place) ?? [], group),
  };

  const handlers: Record<string, (call: AwsCall) => AwsAnswer> = {
    DescribeServices: () => describe(world, stopped),
    CreateTaskSet({ input }) {
      const old = world.taskSets.find((set) => set.externalId === input['clientToken']);
      if (old !== undefined) return { taskSet: shown(world, old) };
      world.made += 1;
      const balancers = (input['loadBalancers'] ?? []) as readonly Fields[];
      const groups = balancers.map(({ targetGroupArn }) => groupNamed(targetGroupArn));
      const { externalId, taskDefinition: wanted } = input as Readonly<Record<string, string>>;
      const parts = { externalId: externalId ?? '', groups, taskDefinition: wanted ?? '', request: input };
      const set = newTaskSet(world.made, parts);
      world.taskSets.push(set);
      return { taskSet: shown(world, set) };
    },
    UpdateServicePrimaryTaskSet({ input }) {
      const set = world.taskSets.find(({ arn }) => arn === input['primaryTaskSet']);
      if (set === undefined) return new AwsRefusal(400, 'TaskSetNotFoundException');
      for (const one of world.taskSets) if (one.status === 'PRIMARY') one.status = 'ACTIVE';
      set.status = 'PRIMARY';
      return { taskSet: shown(world, set) };
    },
    DeleteTaskSet({ input }) {
      const set = world.taskSets.find(({ arn }) => arn === input['taskSet']);
      if (set === undefined) return new AwsRefusal(400, 'TaskSetNotFoundException');
      if (set.status === 'PRIMARY')
        return new AwsRefusal(400, 'InvalidParameterException', 'It is the primary task set.');
      if (input['force'] !== true) return new AwsRefusal(400, 'InvalidParameterException', 'It has tasks.');
      if (set.status !== 'DRAINING') Object.assign(set, { status: 'DRAINING', drainsFor: world.drainsFor });
      return { taskSet: shown(world, set) };
    },
    RegisterTaskDefinition({ input }) {
      world.definitions += 1;
      return { taskDefinition: { ...(input as Fields), taskDefinitionArn: taskDefinition(world.definitions) } };
    },
    DescribeTaskDefinition: ({ input }) => ({
      taskDefinition: {
        taskDefinitionArn: String(input['taskDefinition']),
        containerDefinitions: [{ name: 'web', portMappings: [{ containerPort: 8080 }] }],
      },
    }),
    ListTasks: () => ({ taskArns: stopped.map(({ arn }) => arn) }),
    DescribeTasks: () => ({
      tasks: stopped.map(({ arn, startedBy }) => ({
        ...{ taskArn: arn, startedBy, stopCode: 'EssentialContainerExited' },
        stoppedReason: 'Essential container in task exited',
        containers: [{ name: 'web', exitCode: 1 }],
      })),
    }),
    ...elbHandlers(world),
  };
  for (const [action, handle] of Object.entries(handlers)) {
    world.answers[action] = async (call) => (await world.before(call)) ?? (await answered(world, call, handle));
  }
  return world;
}

async function answered(world: EcsWorld, call: AwsCall, handle: (call: AwsCall) => AwsAnswer): Promise<AwsAnswer> {
  const answer = handle(call);
  return (await world.after(call)) ?? answer;
}

function newTaskSet(
  number: number,
  parts: Pick<WorldTaskSet, 'externalId' | 'groups' | 'taskDefinition' | 'request'>,
): WorldTaskSet {
  const id = `ecs-svc/${String(number).padStart(19, '0')}`;
  const arn = `${ECS}:task-set/main/shop/${id}`;
  return { id, arn, status: 'ACTIVE', running: 0, drainsFor: 0, group: parts.groups[0] ?? '', ...parts };
}

/** A look brings everything that is under way one step further. */
function describe(world: EcsWorld, stopped: WorldTask[]): AwsAnswer {
  if (world.service === null)
    return { services: [], failures: [{ arn: `${ECS}:service/main/shop`, reason: 'MISSING' }] };
  for (const set of [...world.taskSets]) {
    if (set.status === 'DRAINING') {
      set.drainsFor -= 1;
      if (set.drainsFor < 0) world.taskSets.splice(world.taskSets.indexOf(set), 1);
      continue;
    }
    if (set.running >= world.desired) continue;
    if (world.starts === 'one by one') set.running += 1;
    if (world.starts === 'fail') {
      stopped.push({ arn: `${ECS}:task/main/${stopped.length}`, startedBy: set.id });
    }
  }
  return {
    services: [
      {
        ...{ serviceArn: `${ECS}:service/main/shop`, serviceName: 'shop', clusterArn: `${ECS}:cluster/main` },
        ...{ status: world.service.status, desiredCount: world.desired },
        deploymentController: { type: world.service.controller },
        deployments: world.service.usesServiceConnect ? [{ serviceConnectConfiguration: { enabled: true } }] : [],
        taskSets: world.taskSets.map((set) => shown(world, set)),
        events: [],
      },
    ],
    failures: [],
  };
}

function shown(world: EcsWorld, set: WorldTaskSet): Fields {
  const isSteady = set.running === world.desired && set.groups.every((group) => isInUse(world, group));
  return {
    ...{ id: set.id, taskSetArn: set.arn, status: set.status, externalId: set.externalId },
    ...{ taskDefinition: set.taskDefinition, computedDesiredCount: world.desired, launchType: 'FARGATE' },
    ...{ pendingCount: world.desired - set.running, runningCount: set.running },
    stabilityStatus: isSteady ? 'STEADY_STATE' : 'STABILIZING',
    loadBalancers: set.groups.map((name) => ({
      ...{ targetGroupArn: groupArn(name), containerName: 'web', containerPort: 8080 },
    })),
  };
}
