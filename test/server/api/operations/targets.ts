/** Rows of the table: targets of deployments, under both of their names. */
import { LONG_NAME, NO_DEPLOYMENT, NO_PAGE, type Operations, tooMany } from './operation.ts';
import type { World } from './world.ts';

const hooked = ({ hooked: deploymentId }: World) => ({ deploymentId });
const running = ({ running: deploymentId }: World) => ({ deploymentId });
const target = (world: World) => ({ ...running(world), targetId: 'web-1' });
const instance = (world: World) => ({ ...running(world), instanceId: 'web-1' });
const NOT_STARTED = { DeploymentNotStartedException: ({ unstarted }: World) => ({ deploymentId: unstarted }) } as const;
const OF_DEPLOYMENT = 'A deployment keeps its targets, whatever becomes of its application and its group.';
const OTHER_NAME = 'The exception for targets comes instead.';

export const TARGETS: Operations<
  | 'ListDeploymentTargets'
  | 'GetDeploymentTarget'
  | 'BatchGetDeploymentTargets'
  | 'ListDeploymentInstances'
  | 'GetDeploymentInstance'
  | 'BatchGetDeploymentInstances'
> = {
  ListDeploymentTargets: {
    does: 'lists the targets of a deployment in the order of attempt, 100 a page, by status and by label',
    refuses: null,
    good: (world) => ({ ...running(world), targetFilters: { TargetStatus: ['Pending', 'InProgress'] } }),
    refused: {
      ...NO_DEPLOYMENT,
      ...NO_PAGE,
      ...NOT_STARTED,
      InvalidInstanceStatusException: [
        { targetFilters: { TargetStatus: ['Pending', 'pending'] } },
        { targetFilters: { TargetStatus: [''] } },
      ],
      InvalidInstanceTypeException: { targetFilters: { ServerInstanceLabel: ['Red'] } },
      InvalidDeploymentInstanceTypeException: () => ({ targetFilters: { ServerInstanceLabel: ['Blue'] } }),
      InvalidTargetFilterNameException: [
        { targetFilters: { Status: ['Failed'] } },
        { targetFilters: { toString: [] } },
      ],
    },
    never: {
      ApplicationDoesNotExistException: OF_DEPLOYMENT,
      DeploymentGroupDoesNotExistException: OF_DEPLOYMENT,
    },
  },
  GetDeploymentTarget: {
    does: 'shows a target with its lifecycle events, by name or ARN',
    refuses: null,
    good: target,
    refused: {
      ...NO_DEPLOYMENT,
      ...NOT_STARTED,
      DeploymentTargetIdRequiredException: [{ targetId: null }, { targetId: '' }],
      InvalidDeploymentTargetIdException: [{ targetId: 'web 1' }, { targetId: LONG_NAME }],
      DeploymentTargetDoesNotExistException: [{ targetId: 'nobody' }, { targetId: 'arn:aws:nobody' }],
    },
    never: { InvalidInstanceNameException: OTHER_NAME },
  },
  BatchGetDeploymentTargets: {
    does: 'shows up to 25 targets; each must exist',
    refuses: null,
    good: (world) => ({ ...running(world), targetIds: ['web-1'] }),
    refused: {
      ...NO_DEPLOYMENT,
      ...NOT_STARTED,
      DeploymentTargetIdRequiredException: [{ targetIds: null }, { targetIds: [] }],
      InvalidDeploymentTargetIdException: [{ targetIds: ['web-1', 'a/b'] }, { targetIds: [''] }],
      DeploymentTargetDoesNotExistException: { targetIds: ['web-1', 'nobody'] },
      DeploymentTargetListSizeExceededException: { targetIds: tooMany(25, () => 'web-1') },
    },
    never: { InstanceDoesNotExistException: OTHER_NAME },
  },
  ListDeploymentInstances: {
    does: 'lists what ListDeploymentTargets does',
    refuses: null,
    good: (world) => ({ ...running(world), instanceStatusFilter: ['Pending'] }),
    refused: {
      ...NO_DEPLOYMENT,
      ...NO_PAGE,
      ...NOT_STARTED,
      InvalidInstanceStatusException: [{ instanceStatusFilter: ['Failed', 'broken'] }, { instanceStatusFilter: [''] }],
      InvalidInstanceTypeException: { instanceTypeFilter: ['green'] },
      InvalidDeploymentInstanceTypeException: () => ({ instanceTypeFilter: ['Green'] }),
      InvalidComputePlatformException: hooked,
    },
    never: {
      ApplicationDoesNotExistException: OF_DEPLOYMENT,
      DeploymentGroupDoesNotExistException: OF_DEPLOYMENT,
      InvalidTargetFilterNameException: 'Its filters are members; an unknown one is a ValidationException.',
    },
  },
  GetDeploymentInstance: {
    does: 'shows what GetDeploymentTarget does',
    refuses: null,
    good: instance,
    refused: {
      ...NO_DEPLOYMENT,
      InstanceIdRequiredException: [{ instanceId: null }, { instanceId: '' }],
      InvalidInstanceNameException: [{ instanceId: 'web 1' }, { instanceId: LONG_NAME }],
      InstanceDoesNotExistException: [{ instanceId: 'nobody' }, ({ unstarted }) => ({ deploymentId: unstarted })],
      InvalidComputePlatformException: hooked,
    },
    never: {},
  },
  BatchGetDeploymentInstances: {
    does: 'shows up to 25 targets; `errorMessage` names those that do not exist',
    refuses: null,
    good: (world) => ({ ...running(world), instanceIds: ['web-1', 'nobody'] }),
    refused: {
      ...NO_DEPLOYMENT,
      InstanceIdRequiredException: [{ instanceIds: null }, { instanceIds: [] }],
      InvalidInstanceNameException: [{ instanceIds: ['web-1', 'web 1'] }, { instanceIds: [''] }],
      BatchLimitExceededException: { instanceIds: tooMany(25, () => 'web-1') },
      InvalidComputePlatformException: hooked,
    },
    never: {},
  },
};
