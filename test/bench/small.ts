/** Small bundles, as most deployments are: through the server and with `slipway local`, twenty files and five scripts. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { systemClock } from '../../src/system/clock.ts';
import { writeRevision } from '../support/revision.ts';
import { type Figure, median } from './figures.ts';

const EVENTS = ['ApplicationStop', 'BeforeInstall', 'AfterInstall', 'ApplicationStart', 'ValidateService'];
const ROUNDS = 9;
const RESTED_ROUNDS = 3;
/** After this the executor of the deployment before is gone. */
const REST_MS = 17_000;
/** Each question takes some of the processor's time that is measured, so it is not asked often. */
const ASK_MS = 50;

export interface SmallBench {
  readonly folder: string;
  readonly client: Pick<ManagementClient, 'call'>;
  /** Runs the built program. */
  slipway(args: readonly string[]): string;
}

function figure(name: string, value: number, goal: number | null): Figure {
  return { name, value, unit: 'ms', floor: null, ratio: null, goal };
}

function writeSmall(folder: string, destination: string, round: number): string {
  return writeRevision(folder, {
    destination,
    files: Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`f${n}.txt`, `${round} ${n}\n`])),
    scripts: Object.fromEntries(EVENTS.map((event) => [event, 'exit 0'])),
  });
}

/** From CreateDeployment on, by the server's clock, which is this machine's. */
interface Timed {
  readonly endedMs: number;
  /** When the agent had acknowledged the first event. */
  readonly firstEventMs: number;
}

/** From CreateDeployment on: deployments one after the other, and deployments to an agent that has had nothing to do for a while. */
export async function* smallDeployments(bench: SmallBench): AsyncGenerator<Figure> {
  bench.slipway(['applications', 'create', 'site']);
  bench.slipway(['groups', 'create', 'bench', '--application', 'site', '--tag', 'Role=bench']);
  const warm: Timed[] = [];
  // The first one runs no ApplicationStop, and fills the caches.
  for (let round = 0; round <= ROUNDS; round += 1) warm.push(await deploy(bench, round));
  warm.shift();
  const rested: Timed[] = [];
  for (let round = 0; round < RESTED_ROUNDS; round += 1) {
    await systemClock.sleep(REST_MS);
    rested.push(await deploy(bench, ROUNDS + 1 + round));
  }
  const ended = (all: readonly Timed[]) => median(all.map(({ endedMs }) => endedMs));
  const first = (all: readonly Timed[]) => median(all.map(({ firstEventMs }) => firstEventMs));
  yield figure('small bundle, CreateDeployment to Succeeded (warm)', ended(warm), 150);
  yield figure('small bundle, CreateDeployment to the first event (warm)', first(warm), 50);
  yield figure('small bundle, CreateDeployment to Succeeded (after a rest)', ended(rested), null);
  yield figure('small bundle, CreateDeployment to the first event (after a rest)', first(rested), null);
}

async function deploy({ folder, client, slipway }: SmallBench, round: number): Promise<Timed> {
  const revision = writeSmall(join(folder, `revision-${round}`), join(folder, 'site'), round);
  const pushed = JSON.parse(slipway(['push', revision, '--application', 'site', '--json'])) as { s3Location: object };
  const call = <Answer>(operation: string, input: object) =>
    client.call(operation as 'GetDeployment', input as never) as Promise<Answer>;
  const startedAtMs = Date.now();
  const { deploymentId } = await call<{ deploymentId: string }>('CreateDeployment', {
    applicationName: 'site',
    deploymentGroupName: 'bench',
    revision: { revisionType: 'S3', s3Location: pushed.s3Location },
  });
  let endedAtSeconds: number | undefined;
  while (endedAtSeconds === undefined) {
    await systemClock.sleep(ASK_MS);
    const { deploymentInfo } = await call<{ deploymentInfo: { status: string; completeTime?: number } }>(
      'GetDeployment',
      {
        deploymentId,
      },
    );
    if (['Failed', 'Stopped'].includes(deploymentInfo.status)) throw new Error(`${deploymentId} failed`);
    endedAtSeconds = deploymentInfo.completeTime;
  }
  const { targetIds } = await call<{ targetIds: string[] }>('ListDeploymentTargets', { deploymentId });
  const { deploymentTargets } = await call<{
    deploymentTargets: { instanceTarget: { lifecycleEvents: { startTime?: number }[] } }[];
  }>('BatchGetDeploymentTargets', { deploymentId, targetIds });
  const starts = deploymentTargets.flatMap(({ instanceTarget }) =>
    instanceTarget.lifecycleEvents.flatMap(({ startTime }) => startTime ?? []),
  );
  return { endedMs: endedAtSeconds * 1000 - startedAtMs, firstEventMs: Math.min(...starts) * 1000 - startedAtMs };
}

/** `slipway local` from a tgz, and what the command line takes to say its version. */
export function* localFigures(folder: string, program: readonly string[]): Generator<Figure> {
  const root = join(folder, 'local');
  mkdirSync(root);
  const configFile = join(root, 'agent.yml');
  const dirs = { root_dir: join(root, 'root'), log_dir: join(root, 'log'), pid_dir: join(root, 'pid') };
  writeFileSync(configFile, JSON.stringify(dirs));
  const source = writeSmall(join(root, 'revision'), join(root, 'site'), 0);
  const bundle = join(root, 'small.tgz');
  execFileSync('tar', ['-czf', bundle, '-C', source, '.']);
  const local = timed(program, ['local', '--bundle-location', bundle, '--agent-configuration-file', configFile]);
  yield figure('small bundle, slipway local', local, 200);
  yield figure('slipway --version', timed(program, ['--version']), null);
}

function timed([file = '', ...words]: readonly string[], args: readonly string[]): number {
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const startedMs = performance.now();
    execFileSync(file, [...words, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    return performance.now() - startedMs;
  });
  return median(times.slice(1));
}
