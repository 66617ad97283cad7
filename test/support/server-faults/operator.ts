/** Who makes deployments during the sweep: asks whichever server answers, again and again. */
import { setTimeout as delay } from 'node:timers/promises';
import { RemoteApiError } from '../../../src/protocol/errors.ts';
import type { ManagementClient } from '../../../src/protocol/management/client.ts';
import { managementClient } from '../hand-driven-host.ts';
import type { ControlServer } from '../slipway.ts';
import { MINIMUMS, type Minimum } from './plan.ts';
import { isServiceUnavailable } from './unavailable.ts';

export interface Operator {
  /** Asks until a server answers. @throws RemoteApiError */
  ask<T>(question: (client: ManagementClient) => Promise<T>): Promise<T>;
  /** @returns the new deployment's id, also when the server died before it could say it */
  createDeployment(minimum: Minimum): Promise<string>;
  statusOf(deploymentId: string): Promise<string>;
  /** By target: its status, and those of its events. */
  targetsOf(deploymentId: string): Promise<ReadonlyMap<string, TargetSeen>>;
}

export interface TargetSeen {
  readonly status: string;
  readonly events: Readonly<Record<string, string>>;
}

export interface SweptGroup {
  readonly tag: string;
  readonly bundleKey: string;
}

const NAMES = { applicationName: 'swept', deploymentGroupName: 'hosts' };
const TRY_AGAIN_MS = 20;

export async function sweepOperator(
  servers: readonly ControlServer[],
  { tag, bundleKey }: SweptGroup,
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
  const list = async () => new Set((await ask((client) => client.call('ListDeployments', NAMES))).deployments ?? []);
  const revision = {
    revisionType: 'S3' as const,
    s3Location: { bucket: 'revisions', key: bundleKey, bundleType: 'tgz' as const },
  };
  await makeGroup(ask, tag);
  return {
    ask,
    async createDeployment({ deploymentConfigName }) {
      const before = await list();
      for (;;) {
        try {
          const { deploymentId } = await ask((client) =>
            client.call('CreateDeployment', {
              ...{ ...NAMES, revision, deploymentConfigName, fileExistsBehavior: 'OVERWRITE' },
            }),
          );
          if (deploymentId !== undefined) return deploymentId;
        } catch (error) {
          // Made, and the answer was lost.
          if (!(error instanceof RemoteApiError) || error.type !== 'DeploymentLimitExceededException') throw error;
          const made = [...(await list())].find((id) => !before.has(id));
          if (made !== undefined) return made;
        }
      }
    },
    async statusOf(deploymentId) {
      const { deploymentInfo } = await ask((client) => client.call('GetDeployment', { deploymentId }));
      return deploymentInfo?.status ?? '';
    },
    async targetsOf(deploymentId) {
      const { targetIds = [] } = await ask((client) => client.call('ListDeploymentTargets', { deploymentId }));
      if (targetIds.length === 0) return new Map();
      const { deploymentTargets = [] } = await ask((client) =>
        client.call('BatchGetDeploymentTargets', { deploymentId, targetIds }),
      );
      return new Map(
        deploymentTargets.map(({ instanceTarget }) => [
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

async function makeGroup(ask: Operator['ask'], tag: string): Promise<void> {
  for (const { deploymentConfigName, custom } of MINIMUMS) {
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
