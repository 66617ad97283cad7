/** The operator who makes deployments during the sweep: asks whichever server answers, again and again. */
import { setTimeout as delay } from 'node:timers/promises';
import { RemoteApiError } from '../../../src/protocol/errors.ts';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import { managementClient } from '../hand-driven-host.ts';
import type { ControlServer } from '../slipway.ts';
import type { Minimum } from './plan.ts';
import { isServiceUnavailable } from './unavailable.ts';

export interface Operator {
  /** Asks until a server answers. @throws RemoteApiError */
  ask<T>(question: (client: ManagementClient) => Promise<T>): Promise<T>;
  /**
   * @param bundleKey what is deployed; left out: the group's own
   * @returns the new deployment's id, also when the server died before it could say it
   */
  createDeployment(minimum: Minimum, bundleKey?: string): Promise<string>;
  statusOf(deploymentId: string): Promise<string>;
  /** Status of each target, and of its events. */
  targetsOf(deploymentId: string): Promise<ReadonlyMap<string, TargetSeen>>;
}

export interface TargetSeen {
  readonly status: string;
  readonly events: Readonly<Record<string, string>>;
}

export interface SweptGroup {
  readonly tag: string;
  readonly bundleKey: string;
  /** The configurations that its deployments are made with. */
  readonly minimums: readonly Minimum[];
}

const NAMES = { applicationName: 'swept', deploymentGroupName: 'hosts' };
const TRY_AGAIN_MS = 20;
const NEWEST = 10;
/** As many targets as the API tells of at once. */
const BATCH = 25;

export async function sweepOperator(
  servers: readonly ControlServer[],
  { tag, bundleKey: usualKey, minimums }: SweptGroup,
): Promise<Operator> {
  const clients = servers.map(({ url, env }) =>
    managementClient(url, {
      accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    }),
  );
  let at = 0;
  const ask: Operator['ask'] = async (question) => {
    for (;;) {
      const client = clients[at % clients.length];
      if (client === undefined) throw new Error('an operator needs a server');
      try {
        return await question(client);
      } catch (error) {
        if (!isServiceUnavailable(error)) throw error;
        at += 1;
        await delay(TRY_AGAIN_MS);
      }
    }
  };
  await makeGroup(ask, tag, minimums);
  let asked = 0;
  return {
    ask,
    async createDeployment({ deploymentConfigName }, key = usualKey) {
      asked += 1;
      // By this one it is found when the answer was lost.
      const description = `swept ${asked}`;
      const revision = {
        revisionType: 'S3' as const,
        s3Location: { bucket: 'revisions', key, bundleType: 'tgz' as const },
      };
      for (;;) {
        try {
          const { deploymentId } = await ask((client) =>
            client.call('CreateDeployment', {
              ...{ ...NAMES, revision, deploymentConfigName, description, fileExistsBehavior: 'OVERWRITE' },
            }),
          );
          if (deploymentId !== undefined) return deploymentId;
        } catch (error) {
          // Made, and the answer was lost; or the group's automatic deployment is under way.
          if (!(error instanceof RemoteApiError) || error.type !== 'DeploymentLimitExceededException') throw error;
          const made = await findByDescription(ask, description);
          if (made !== null) return made;
          await delay(TRY_AGAIN_MS);
        }
      }
    },
    async statusOf(deploymentId) {
      const { deploymentInfo } = await ask((client) => client.call('GetDeployment', { deploymentId }));
      return deploymentInfo?.status ?? '';
    },
    async targetsOf(deploymentId) {
      const { targetIds = [] } = await ask((client) => client.call('ListDeploymentTargets', { deploymentId }));
      const found = [];
      for (let from = 0; from < targetIds.length; from += BATCH) {
        const batch = targetIds.slice(from, from + BATCH);
        const { deploymentTargets = [] } = await ask((client) =>
          client.call('BatchGetDeploymentTargets', { deploymentId, targetIds: batch }),
        );
        found.push(...deploymentTargets);
      }
      return new Map(
        found.map(({ instanceTarget }) => [
          instanceTarget?.targetId ?? '',
          {
            status: instanceTarget?.status ?? '',
            events: Object.fromEntries(
              (instanceTarget?.lifecycleEvents ?? []).map((event) => [
                event.lifecycleEventName ?? '',
                event.status ?? '',
              ]),
            ),
          },
        ]),
      );
    },
  };
}

/** Among the newest ones. */
async function findByDescription(ask: Operator['ask'], description: string): Promise<string | null> {
  const { deployments = [] } = await ask((client) => client.call('ListDeployments', NAMES));
  if (deployments.length === 0) return null;
  const deploymentIds = deployments.slice(0, NEWEST);
  const { deploymentsInfo = [] } = await ask((client) => client.call('BatchGetDeployments', { deploymentIds }));
  return deploymentsInfo.find((info) => info.description === description)?.deploymentId ?? null;
}

async function makeGroup(ask: Operator['ask'], tag: string, minimums: readonly Minimum[]): Promise<void> {
  for (const { deploymentConfigName, custom } of minimums) {
    if (custom === null) continue;
    await ask((client) => client.call('CreateDeploymentConfig', { deploymentConfigName, minimumHealthyHosts: custom }));
  }
  await ask((client) => client.call('CreateApplication', { applicationName: NAMES.applicationName }));
  await ask((client) =>
    client.call('CreateDeploymentGroup', {
      ...{ ...NAMES, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
      onPremisesInstanceTagFilters: [{ Key: 'Role', Value: tag, Type: 'KEY_AND_VALUE' }],
    }),
  );
}
