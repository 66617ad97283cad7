/** How long whole deployments take, and how soon their hosts get the next command. */
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { IN_PLACE_EVENTS } from '../../src/server/engine/course.ts';
import { systemClock } from '../../src/system/clock.ts';
import type { Figure } from '../bench/figures.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import { startFleet, type Timings } from './fleet.ts';
import { type GroundRequest, prepareGround } from './ground.ts';
import { cpuMs } from './process-cost.ts';
import { FLEET_TAG } from './seed.ts';

const LOOK_MS = 100;
const LIMIT_MS = 10 * 60_000;

/** Seconds for 1 000 hosts; other sizes in proportion. */
export interface DeploymentGoals {
  readonly AllAtOnce: number;
  readonly OneAtATime: number;
}

export type Way = keyof DeploymentGoals;

export async function* deploymentFigures(
  request: GroundRequest & { readonly ways: readonly Way[]; readonly goals: DeploymentGoals },
): AsyncGenerator<Figure> {
  await using ground = await prepareGround(request);
  await using fleet = await startFleet(ground.wire, ground.hosts);
  const { env, url } = ground.server;
  const key = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
  const admin = managementClient(url, key);
  await admin.call('CreateApplication', { applicationName: 'app' });
  const database = request.postgres === null ? 'SQLite' : 'PostgreSQL';
  for (const way of request.ways) {
    const beganCpuMs = cpuMs(ground.server.daemon.pid);
    const seconds = await deploy(admin, way);
    const cpuEach = (cpuMs(ground.server.daemon.pid) - beganCpuMs) / request.hosts / IN_PLACE_EVENTS.length;
    const name = `${way} to ${request.hosts} hosts on ${database} over ${request.https ? 'https' : 'http'}`;
    const goal = (request.goals[way] * request.hosts) / 1_000;
    yield { name, value: seconds, unit: 's', floor: null, ratio: null, goal };
    // On a machine that others use, too, this says more than the seconds.
    yield { name: `${name}: CPU time of an event`, value: cpuEach, unit: 'ms', floor: null, ratio: null, goal: null };
    yield* latencies(name, await fleet.timings());
  }
}

/** Seconds from the creation to the end, by the server's own clock. */
export async function deploy(admin: ManagementClient, way: Way): Promise<number> {
  const [applicationName, deploymentGroupName] = ['app', way];
  await admin.call('CreateDeploymentGroup', {
    ...{ applicationName, deploymentGroupName, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    deploymentConfigName: `CodeDeployDefault.${way}`,
    onPremisesInstanceTagFilters: [{ ...FLEET_TAG, Type: 'KEY_AND_VALUE' }],
  });
  const s3Location = { bucket: 'revisions', key: 'bench.zip', bundleType: 'zip' as const };
  const { deploymentId = '' } = await admin.call('CreateDeployment', {
    ...{ applicationName, deploymentGroupName },
    revision: { revisionType: 'S3', s3Location },
  });
  const giveUpAtMs = Date.now() + LIMIT_MS;
  while (Date.now() < giveUpAtMs) {
    await systemClock.sleep(LOOK_MS);
    const { deploymentInfo: info } = await admin.call('GetDeployment', { deploymentId });
    if (info?.completeTime === undefined || info.createTime === undefined) continue;
    if (info.status !== 'Succeeded') throw new Error(`the deployment ended as ${info.status}`);
    return info.completeTime - info.createTime;
  }
  throw new Error(`the deployment has not ended within ${LIMIT_MS / 60_000} minutes`);
}

function* latencies(name: string, { dispatch, report }: Timings): Generator<Figure> {
  const figure = (what: string, value: number, goal: number | null): Figure => {
    return { name: `${name}: ${what}`, value, unit: 'ms', floor: null, ratio: null, goal };
  };
  yield figure('report answered to next command, median', percentile(dispatch, 50), 20);
  yield figure('report answered to next command, 99 of 100', percentile(dispatch, 99), 250);
  yield figure('report sent to answered, median', percentile(report, 50), null);
  yield figure('report sent to answered, 99 of 100', percentile(report, 99), null);
}

function percentile(numbers: readonly number[], percent: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
