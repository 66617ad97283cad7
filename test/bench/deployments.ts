/** Whole deployments: a real server, a real agent, bundles through the S3 API. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { BundleType } from '../../src/protocol/specification.ts';
import { systemClock } from '../../src/system/clock.ts';
import {
  type DeploymentDriver,
  deploymentDriver,
  type EndedDeployment,
  type StoredRevision,
} from '../support/deployments.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { writeRevision } from '../support/revision.ts';
import { type Daemon, enrolHost, startControlServer } from '../support/slipway.ts';
import { packShape, type Shape, writeShape } from './bundles.ts';
import { compared, type Figure, median } from './figures.ts';
import { canCompare, unpackCommand } from './tools.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const WITHIN_MS = 300_000;
const SMALL_ROUNDS = 9;
/** The official Ruby agent takes 6.5 s. */
const SMALL_GOAL_MS = 150;
/** Time of `cp` of the archive, `tar -x` and `cp -a`, which neither plan nor keep what they replace. */
const WHOLE_GOAL = 2;
const PEAK_GOAL_MB = 200;
const SMALL_FILES = 15;
/** How much a daemon may have grown after so many deployments of the big bundle, when its executors are gone. */
const LONG_RUN = 20;
const GROWTH_GOAL_MB = 10;
const SETTLE_MS = 20_000;
/** Between two looks at the memory of the agent's processes, of which some end on the way. */
const LOOK_MS = 20;

export async function* deploymentsOf(shapes: readonly Shape[], ground: string): AsyncGenerator<Figure> {
  yield* onBench(ground, smallDeployments);
  for (const shape of shapes) {
    for (const bundleType of ['tar', 'tgz', 'zip'] as const) {
      yield* onBench(ground, (bench) => wholeDeployments(shape, bundleType, bench));
    }
  }
}

/** Memory that stays in the daemon after many deployments of one shape, when their executors are gone. */
export async function* longRunOf(shape: Shape, ground: string): AsyncGenerator<Figure> {
  yield* onBench(ground, (bench) => longRun(shape, bench));
}

interface Bench {
  readonly folder: string;
  readonly agent: Daemon;
  readonly driver: DeploymentDriver;
}

/** A server and an agent that know of nothing else, and no more of them than what has been measured: the ground has an end. */
async function* onBench(ground: string, figures: (bench: Bench) => AsyncGenerator<Figure>): AsyncGenerator<Figure> {
  const folder = mkdtempSync(join(ground, 'deployments-'));
  try {
    await using bench = await startBench(folder);
    yield* figures({ folder, ...bench });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A server, and the agent as it is in a package: reading the sources takes memory that no host gives. */
async function startBench(folder: string) {
  execFileSync(process.execPath, ['build.ts'], { cwd: PROJECT });
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startControlServer(join(folder, 'server')));
  const host = await enrolHost(server, join(folder, 'host'), 'bench', 'Name=bench');
  // The ground has no room for more of the big ones.
  appendFileSync(host.configFile, 'max_revisions: 2\n');
  const agent = stack.use(host.startAgent({}, join(PROJECT, 'dist/cli/main.js')));
  const driver = stack.use(await deploymentDriver(server, 'bench', 'Name=bench'));
  const all = stack.move();
  return { agent, driver, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function* longRun(shape: Shape, { folder, driver, agent }: Bench): AsyncGenerator<Figure> {
  const site = join(folder, 'site');
  const revisions = await storeEditions(shape, 'tar', site, { folder, driver });
  await systemClock.sleep(SETTLE_MS);
  const beforeMb = memoryMb(agent.pid, 'VmRSS');
  for (let round = 0; round < LONG_RUN; round += 1) {
    const { stored } = revisions[round % 2] as StoredEdition;
    requireSuccess(await driver.ended(await driver.create(stored), WITHIN_MS));
  }
  await systemClock.sleep(SETTLE_MS);
  const name = `${shape.name}: growth of the daemon after ${LONG_RUN} deployments`;
  yield {
    name,
    value: memoryMb(agent.pid, 'VmRSS') - beforeMb,
    unit: 'MB',
    floor: null,
    ratio: null,
    goal: GROWTH_GOAL_MB,
  };
}

/** Twenty files, five of them hooks: create-deployment to Succeeded over all events. */
async function* smallDeployments({ folder, driver }: Bench): AsyncGenerator<Figure> {
  const files = Object.fromEntries(Array.from({ length: SMALL_FILES }, (_, n) => [`file-${n}.txt`, `this is ${n}`]));
  const revision = writeRevision(join(folder, 'small'), { destination: join(folder, 'small-site'), files });
  const bundle = await packShape(revision, join(folder, 'small.zip'), 'zip');
  const stored = await driver.store(bundle, 'small.zip', 'zip');
  const times: number[] = [];
  for (let round = 0; round <= SMALL_ROUNDS; round += 1) {
    const ended = requireSuccess(await driver.ended(await driver.create(stored), WITHIN_MS));
    if (round > 0) times.push(ended.completeMs - ended.createMs);
  }
  const one = { unit: 'ms', floor: null, ratio: null } as const;
  yield { ...one, name: 'small bundle: create-deployment to Succeeded', value: median(times), goal: SMALL_GOAL_MS };
}

interface StoredEdition {
  readonly bundle: string;
  readonly stored: StoredRevision;
}

/** Two revisions that differ in every file. */
async function storeEditions(
  shape: Shape,
  bundleType: BundleType,
  site: string,
  { folder, driver }: Pick<Bench, 'folder' | 'driver'>,
): Promise<StoredEdition[]> {
  const editions: StoredEdition[] = [];
  for (const edition of [1, 2]) {
    const source = writeShape(join(folder, 'source'), shape, edition, site);
    const bundle = await packShape(source, join(folder, `bundle-${edition}`), bundleType);
    rmSync(source, { recursive: true });
    editions.push({ bundle, stored: await driver.store(bundle, `${edition}.${bundleType}`, bundleType) });
  }
  return editions;
}

async function* wholeDeployments(
  shape: Shape,
  bundleType: BundleType,
  { folder, driver, agent }: Bench,
): AsyncGenerator<Figure> {
  const site = join(folder, 'site');
  const revisions = await storeEditions(shape, bundleType, site, { folder, driver });
  const rounds: { ours: number; floor: number | null; peakMb: number }[] = [];
  for (let round = 0; round <= 3; round += 1) {
    const { bundle, stored } = revisions[round % 2] as StoredEdition;
    const floor = canCompare(bundleType) ? await floorOf(bundle, bundleType, folder) : null;
    using peak = watchPeak(agent.pid);
    const ended = requireSuccess(await driver.ended(await driver.create(stored), WITHIN_MS));
    if (round > 0)
      rounds.push({ ours: durationOf(ended, ['DownloadBundle', 'Install']), floor, peakMb: peak.highestMb() });
  }
  const name = `${shape.name}, ${bundleType}: DownloadBundle + Install over the last revision`;
  yield compared(name, rounds, WHOLE_GOAL);
  const peak = Math.max(...rounds.map((round) => round.peakMb));
  yield {
    name: `${name}, peak RSS of all processes`,
    value: peak,
    unit: 'MB',
    floor: null,
    ratio: null,
    goal: PEAK_GOAL_MB,
  };
}

/** `cp` of the archive, `tar -x`, `cp -a`. */
async function floorOf(bundle: string, bundleType: BundleType, folder: string): Promise<number> {
  const place = mkdtempSync(join(folder, 'floor-'));
  mkdirSync(join(place, 'archive'));
  const begin = performance.now();
  await execa('cp', [bundle, join(place, 'bundle')]);
  const [program = '', ...args] = unpackCommand(bundleType, join(place, 'bundle'), join(place, 'archive'));
  await execa(program, args);
  await execa('cp', ['-a', join(place, 'archive/files'), join(place, 'site')]);
  const took = performance.now() - begin;
  rmSync(place, { recursive: true });
  return took;
}

function requireSuccess(ended: EndedDeployment): EndedDeployment {
  if (ended.status !== 'Succeeded') throw new Error(`a deployment of the bench is ${JSON.stringify(ended)}`);
  return ended;
}

function durationOf({ events }: EndedDeployment, names: readonly string[]): number {
  return events
    .filter(({ name }) => names.includes(name))
    .reduce((sum, { startMs, endMs }) => sum + (endMs ?? Number.NaN) - (startMs ?? Number.NaN), 0);
}

/** Lets the kernel count a process's peak anew; only root may, for others the peak is that of the whole run. */
function forgetPeaks(pid: number): void {
  for (const member of [pid, ...descendantsOf(pid)]) {
    try {
      writeFileSync(`/proc/${member}/clear_refs`, '5');
    } catch {
      // Gone, or not ours to write.
    }
  }
}

/**
 * The highest sum of the peaks of the processes that existed at one time. It is no less than the peak of their sum, except for a gain in a
 * process's last hundredths of a second.
 */
function watchPeak(pid: number): Disposable & { highestMb(): number } {
  forgetPeaks(pid);
  let highest = 0;
  const look = () => {
    highest = Math.max(
      highest,
      [pid, ...descendantsOf(pid)].reduce((sum, member) => sum + memoryMb(member, 'VmHWM'), 0),
    );
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    highestMb() {
      look();
      return highest;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function memoryMb(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
