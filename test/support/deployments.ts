/** Drives deployments with the real SDKs: what a person would do, without starting a program for each step. */
import { readFileSync } from 'node:fs';
import {
  BatchGetDeploymentTargetsCommand,
  CodeDeployClient,
  CreateApplicationCommand,
  CreateDeploymentCommand,
  CreateDeploymentGroupCommand,
  GetDeploymentCommand,
  ListDeploymentTargetsCommand,
} from '@aws-sdk/client-codedeploy';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { BundleType } from '../../src/protocol/specification.ts';
import { eventually } from './eventually.ts';
import type { ControlServer } from './slipway.ts';

/** The bucket that a control server makes for revisions. */
const BUCKET = 'revisions';
const USUAL_WAY: DeploymentWay = { group: 'hosts', fileExistsBehavior: 'DISALLOW' };
const FINAL = new Set(['Succeeded', 'Failed', 'Stopped']);

/** A bundle that lies in the server's revision store. */
export interface StoredRevision {
  readonly key: string;
  readonly bundleType: BundleType;
  readonly eTag: string;
}

export interface EndedEvent {
  readonly name: string;
  readonly status: string;
  readonly startMs: number | null;
  readonly endMs: number | null;
  readonly message: string;
}

export interface EndedDeployment {
  readonly deploymentId: string;
  readonly status: string;
  readonly createMs: number;
  readonly completeMs: number;
  /** Status of its only target. */
  readonly events: readonly EndedEvent[];
}

/** One of the two groups, of the same hosts, and what becomes of files that are there. */
export interface DeploymentWay {
  readonly group: DrivenGroup;
  readonly fileExistsBehavior: 'DISALLOW' | 'OVERWRITE' | 'RETAIN';
}

export type DrivenGroup = 'hosts' | 'same-hosts';

export interface DeploymentDriver extends Disposable {
  store(bundleFile: string, key: string, bundleType: BundleType): Promise<StoredRevision>;
  /** @returns the deployment's id */
  create(revision: StoredRevision, how?: DeploymentWay): Promise<string>;
  /** Waits for the end. @throws Error when it does not come in time */
  ended(deploymentId: string, withinMs?: number): Promise<EndedDeployment>;
}

/** An application with two deployment groups of the hosts that carry a tag. */
export async function deploymentDriver(
  server: ControlServer,
  application: string,
  tag: string,
): Promise<DeploymentDriver> {
  const common = {
    region: 'us-east-1',
    credentials: {
      accessKeyId: server.env['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: server.env['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  };
  const codeDeploy = new CodeDeployClient({ ...common, endpoint: server.url });
  const s3 = new S3Client({ ...common, endpoint: server.s3Url, forcePathStyle: true });
  const [tagKey = '', tagValue = ''] = tag.split('=');
  await codeDeploy.send(new CreateApplicationCommand({ applicationName: application }));
  for (const deploymentGroupName of ['hosts', 'same-hosts'] satisfies DrivenGroup[]) {
    await codeDeploy.send(
      new CreateDeploymentGroupCommand({
        applicationName: application,
        deploymentGroupName,
        serviceRoleArn: 'arn:aws:iam::000000000000:role/any',
        deploymentConfigName: 'CodeDeployDefault.AllAtOnce',
        onPremisesInstanceTagFilters: [{ Key: tagKey, Value: tagValue, Type: 'KEY_AND_VALUE' }],
      }),
    );
  }

  async function look(deploymentId: string) {
    const { deploymentInfo } = await codeDeploy.send(new GetDeploymentCommand({ deploymentId }));
    return deploymentInfo;
  }

  async function eventsOf(deploymentId: string): Promise<EndedEvent[]> {
    const { targetIds = [] } = await codeDeploy.send(new ListDeploymentTargetsCommand({ deploymentId }));
    const { deploymentTargets = [] } = await codeDeploy.send(
      new BatchGetDeploymentTargetsCommand({ deploymentId, targetIds }),
    );
    return (deploymentTargets[0]?.instanceTarget?.lifecycleEvents ?? []).map((event) => ({
      name: event.lifecycleEventName ?? '',
      status: event.status ?? '',
      startMs: event.startTime?.getTime() ?? null,
      endMs: event.endTime?.getTime() ?? null,
      message: event.diagnostics?.message ?? '',
    }));
  }

  return {
    async store(bundleFile, key, bundleType) {
      const answer = await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: readFileSync(bundleFile) }));
      return { key, bundleType, eTag: answer.ETag ?? '' };
    },
    async create({ key, bundleType, eTag }, { group, fileExistsBehavior } = USUAL_WAY) {
      const revision = { revisionType: 'S3' as const, s3Location: { bucket: BUCKET, key, bundleType, eTag } };
      const { deploymentId = '' } = await codeDeploy.send(
        new CreateDeploymentCommand({
          applicationName: application,
          deploymentGroupName: group,
          revision,
          fileExistsBehavior,
        }),
      );
      return deploymentId;
    },
    async ended(deploymentId, withinMs = 60_000) {
      let info = await look(deploymentId);
      await eventually(
        async () => {
          info = await look(deploymentId);
          return FINAL.has(info?.status ?? '');
        },
        { withinMs },
      );
      return {
        deploymentId,
        status: info?.status ?? '',
        createMs: info?.createTime?.getTime() ?? Number.NaN,
        completeMs: info?.completeTime?.getTime() ?? Number.NaN,
        events: await eventsOf(deploymentId),
      };
    },
    [Symbol.dispose]() {
      codeDeploy.destroy();
      s3.destroy();
    },
  };
}
