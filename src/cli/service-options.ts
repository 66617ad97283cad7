/** The service of ECS that a deployment group deploys to, and where its traffic comes from, as flags. Pure. */
import { type Command, InvalidArgumentError } from 'commander';
import { SlipwayError } from '../errors.ts';
import type { ManagementOperations } from '../protocol/management/shapes.ts';

type GroupInput = ManagementOperations['UpdateDeploymentGroup']['input'];
type Service = NonNullable<GroupInput['ecsServices']>[number];

export interface ServiceOptions {
  readonly ecsService?: Service;
  readonly targetGroups?: readonly [string, string];
  readonly listener?: string;
  readonly testListener?: string;
}

export function addServiceOptions(command: Command): Command {
  return command
    .option('--ecs-service <cluster/service>', 'ECS: the service that it deploys to', parseService)
    .option(
      '--target-groups <names>',
      'ECS: names of the two target groups that take turns, with a comma between; with --listener',
      parsePair,
    )
    .option('--listener <arn>', 'ECS: the listener of production; with --target-groups')
    .option('--test-listener <arn>', 'ECS: the listener of test traffic; with --target-groups');
}

/** `main/shop` → both names; `shop` → a service of the cluster `default`; an ARN names its service alone. */
function parseService(text: string): Service {
  if (/^arn:[^/]*\/.+[^/]$/.test(text)) {
    const [, clusterName] = /^arn:[^/]*:service\/([^/]+)\/[^/]+$/.exec(text) ?? [];
    return { serviceName: text, ...(clusterName === undefined ? {} : { clusterName }) };
  }
  const [, clusterName, serviceName = ''] = /^(?:([^/]+)\/)?([^/]+)$/.exec(text) ?? [];
  if (serviceName === '') throw new InvalidArgumentError(`'${text}' is no CLUSTER/SERVICE, as main/shop`);
  return { serviceName, ...(clusterName === undefined ? {} : { clusterName }) };
}

function parsePair(text: string): readonly [string, string] {
  const [first = '', second = '', ...more] = text.split(',').map((name) => name.trim());
  if (first !== '' && second !== '' && more.length === 0) return [first, second];
  throw new InvalidArgumentError('it must be two names with a comma between, as shop-blue,shop-green');
}

/** Only what was given: the pair and its listeners are one setting. @throws SlipwayError CLI_BAD_ARGUMENT for a part of that setting */
export function serviceInput(options: ServiceOptions): Pick<GroupInput, 'ecsServices' | 'loadBalancerInfo'> {
  const { ecsService, targetGroups, listener, testListener } = options;
  const given = [targetGroups, listener].filter((one) => one !== undefined).length;
  if (given === 1 || (given === 0 && testListener !== undefined)) {
    throw new SlipwayError('CLI_BAD_ARGUMENT', '--target-groups and --listener are given together or not at all', {
      remedy: 'Give both, and --test-listener if there is one: the API takes them as one setting.',
    });
  }
  const routeOf = (arn: string) => ({ listenerArns: [arn] });
  return {
    ...(ecsService === undefined ? {} : { ecsServices: [ecsService] }),
    ...(targetGroups === undefined || listener === undefined
      ? {}
      : {
          loadBalancerInfo: {
            targetGroupPairInfoList: [
              {
                targetGroups: targetGroups.map((name) => ({ name })),
                prodTrafficRoute: routeOf(listener),
                ...(testListener === undefined ? {} : { testTrafficRoute: routeOf(testListener) }),
              },
            ],
          },
        }),
  };
}
