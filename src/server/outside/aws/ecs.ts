/** The calls to ECS that a deployment to a service makes. Each is one request, may be repeated, and waits for nothing. */
import type { CreateTaskSetCommandInput, ECS, Service, Task, TaskDefinition, TaskSet } from '@aws-sdk/client-ecs';
import type { AwsClients } from './aws.ts';
import { AwsFault, callAws } from './aws-fault.ts';
import type { StoppedTask, TaskSetSeen } from './task-sets.ts';

/** A service by names or ARNs, as its deployment group has them. */
export interface ServiceRef {
  readonly cluster: string;
  readonly service: string;
}

export interface ServiceLook {
  /** The answer of ECS itself, for settings that are copied. */
  readonly service: Service;
  readonly taskSets: readonly TaskSetSeen[];
  /** Last event that ECS shows of the service; null: none. */
  readonly lastEvent: { readonly atMs: number; readonly message: string } | null;
}

/** @throws AwsFault from each call */
export interface EcsCalls {
  /** @throws AwsFault of the trouble `missing` also where ECS answers that it knows no such service */
  describe(ref: ServiceRef, signal: AbortSignal): Promise<ServiceLook>;
  describeTaskDefinition(name: string, signal: AbortSignal): Promise<TaskDefinition>;
  createTaskSet(request: CreateTaskSetCommandInput, signal: AbortSignal): Promise<void>;
  makePrimary(ref: ServiceRef, set: Pick<TaskSetSeen, 'id' | 'arn'>, signal: AbortSignal): Promise<void>;
  /** Stops its tasks, too. A task set that is not there is deleted. */
  deleteTaskSet(ref: ServiceRef, set: Pick<TaskSetSeen, 'id' | 'arn'>, signal: AbortSignal): Promise<void>;
  /** Tasks of the service that have ended within the last hour: ECS forgets older ones. */
  stoppedTasks(ref: ServiceRef, signal: AbortSignal): Promise<readonly StoppedTask[]>;
}

/** So many tasks are asked about at once; the limit of DescribeTasks. */
const TASKS_AT_ONCE = 100;

export function createEcsCalls(clients: Pick<AwsClients, 'containers'>): EcsCalls {
  const call = async <Answer>(what: string, ask: (client: ECS) => Promise<Answer>): Promise<Answer> =>
    callAws(what, async () => ask(await clients.containers()));
  return {
    async describe({ cluster, service }, abortSignal) {
      const what = `DescribeServices ${service}`;
      const { services = [], failures = [] } = await call(what, (client) =>
        client.describeServices({ cluster, services: [service] }, { abortSignal }),
      );
      const [found] = services;
      if (found === undefined) throw noService(what, failures[0]?.reason ?? 'MISSING');
      return lookOf(found);
    },
    async describeTaskDefinition(taskDefinition, abortSignal) {
      const what = `DescribeTaskDefinition ${taskDefinition}`;
      const answer = await call(what, (client) => client.describeTaskDefinition({ taskDefinition }, { abortSignal }));
      return answer.taskDefinition ?? {};
    },
    async createTaskSet(request, abortSignal) {
      await call(`CreateTaskSet ${request.service}`, (client) => client.createTaskSet(request, { abortSignal }));
    },
    async makePrimary({ cluster, service }, { id, arn }, abortSignal) {
      const request = { cluster, service, primaryTaskSet: arn };
      await call(`UpdateServicePrimaryTaskSet ${service} (${id})`, (client) =>
        client.updateServicePrimaryTaskSet(request, { abortSignal }),
      );
    },
    async deleteTaskSet({ cluster, service }, { id, arn }, abortSignal) {
      const request = { cluster, service, taskSet: arn, force: true };
      try {
        await call(`DeleteTaskSet ${service} (${id})`, (client) => client.deleteTaskSet(request, { abortSignal }));
      } catch (error) {
        if (!(error instanceof AwsFault && error.awsCode === 'TaskSetNotFoundException')) throw error;
      }
    },
    async stoppedTasks({ cluster, service }, abortSignal) {
      const list = { cluster, serviceName: service, desiredStatus: 'STOPPED', maxResults: TASKS_AT_ONCE } as const;
      const { taskArns = [] } = await call(`ListTasks ${service}`, (client) => client.listTasks(list, { abortSignal }));
      if (taskArns.length === 0) return [];
      const { tasks = [] } = await call(`DescribeTasks ${service}`, (client) =>
        client.describeTasks({ cluster, tasks: taskArns }, { abortSignal }),
      );
      return tasks.map(stoppedTask);
    },
  };
}

function noService(call: string, reason: string): AwsFault {
  const answer = `ServiceNotFoundException: ECS knows no such service in the cluster (${reason})`;
  return new AwsFault(call, { trouble: 'missing', code: 'ServiceNotFoundException', answer });
}

function lookOf(service: Service): ServiceLook {
  const [last] = service.events ?? [];
  return {
    service,
    taskSets: (service.taskSets ?? []).map(taskSetSeen),
    lastEvent: last?.message === undefined ? null : { atMs: last.createdAt?.getTime() ?? 0, message: last.message },
  };
}

function taskSetSeen(set: TaskSet): TaskSetSeen {
  const { id = '', taskSetArn = '', status = '', externalId, taskDefinition = '', loadBalancers = [] } = set;
  return {
    ...{ id, arn: taskSetArn, status, taskDefinition },
    externalId: externalId || null,
    targetGroupArns: loadBalancers.flatMap(({ targetGroupArn }) => targetGroupArn ?? []),
    desired: set.computedDesiredCount ?? 0,
    pending: set.pendingCount ?? 0,
    running: set.runningCount ?? 0,
    isSteady: set.stabilityStatus === 'STEADY_STATE',
    stableSinceMs: set.stabilityStatusAt?.getTime() ?? null,
  };
}

function stoppedTask({ taskArn = '', startedBy = '', stopCode, stoppedReason = '', containers }: Task): StoppedTask {
  const reasons = [stoppedReason, ...(containers ?? []).map(({ reason = '', exitCode }) => reason || exit(exitCode))];
  const reason = [...new Set(reasons)].filter((text) => text !== '').join('; ');
  return { arn: taskArn, startedBy, stopCode: stopCode ?? '', reason };
}

function exit(code: number | undefined): string {
  return code === undefined ? '' : `exit code ${code}`;
}
