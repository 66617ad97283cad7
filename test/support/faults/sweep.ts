/**
 * Deployments to a real agent that a fault hits: the power is cut at a chosen call or at any instant, or the disk refuses. After each the
 * tree must be the old revision or the new one, byte for byte. The server must have one outcome of each command that it ordered.
 *
 * A run is made from the sweep's seed and its own number alone, so that a run can be repeated by itself.
 */
import { existsSync, globSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { packBundle } from '../../../src/archive/pack.ts';
import {
  type DeploymentDriver,
  type DrivenGroup,
  deploymentDriver,
  type EndedDeployment,
  type StoredRevision,
} from '../deployments.ts';
import { killTree } from '../process-tree.ts';
import { SOURCE_PROGRAM } from '../program-under-test.ts';
import { type SeededRandom, seededRandom } from '../random.ts';
import { type RecordingProxy, recordingProxy } from '../recording-proxy.ts';
import { type ControlServer, type Daemon, type EnrolledHost, enrolHost } from '../slipway.ts';
import { treeOf } from '../tree.ts';
import { FAULT_FILE_VARIABLE, type Fault } from './fault.ts';
import { randomSites, type Site, withManyFiles, writeSite } from './random-trees.ts';

export interface SweepRequest {
  readonly seed: number;
  /** The numbers of the runs to make. */
  readonly runs: readonly number[];
  /** A folder of the sweep's own. */
  readonly folder: string;
  readonly server: ControlServer;
  /** Tells hosts apart that work beside each other. */
  readonly name: string;
  /** Whether revisions have so many files that two threads install them. */
  readonly manyFiles?: boolean;
  onRun?(report: RunReport): void;
}

export interface RunReport {
  readonly run: number;
  readonly fault: PlannedFault;
  /** Whether it came to the fault before the deployment was over. */
  readonly happened: boolean;
  readonly left: 'old' | 'new' | 'mixture';
  readonly status: string;
  /** Orders of the server that nobody ever answered, and commands that were answered with one outcome and then another. */
  readonly lost: number;
  /** Faults, in words. */
  readonly problems: readonly string[];
}

export interface SweepSummary {
  readonly runs: number;
  /** Faults that really happened: the other deployments were over sooner. */
  readonly faults: number;
  readonly old: number;
  readonly young: number;
  readonly mixtures: number;
  readonly outcomesLost: number;
  readonly problems: readonly string[];
}

type PlannedFault = Fault | { readonly action: 'kill-at'; readonly afterMs: number };

/** As an address: NODE_OPTIONS is split at the blanks of a path. */
const PRELOAD = new URL('./preload.ts', import.meta.url).href;
/** Calls on a journal from its making to its removal; a few more than there are, so that the end is hit as well. */
const JOURNAL_CALLS = 14;
/** A deployment of these sizes takes less; what is later hits nothing. */
const WHOLE_DEPLOYMENT_MS = 900;
/** The same with many files. */
const LONG_DEPLOYMENT_MS = 6000;

export async function sweepFaults(request: SweepRequest): Promise<SweepSummary> {
  await using proxy = await recordingProxy(request.server.url);
  const host = await enrol(request, proxy);
  using driver = await deploymentDriver(request.server, request.name, tagOf(request.name));
  const sweep: Sweep = { ...request, proxy, host, driver, faultFile: join(request.folder, `${request.name}.fault`) };
  const reports: RunReport[] = [];
  const agent = { daemon: startAgent(sweep) };
  try {
    for (const run of request.runs) {
      const report = await oneRun(sweep, agent, run);
      reports.push(report);
      request.onRun?.(report);
    }
  } finally {
    killTree(agent.daemon.pid);
    await agent.daemon.exited;
  }
  return summarise(reports);
}

export function summarise(reports: readonly RunReport[]): SweepSummary {
  const count = (is: (report: RunReport) => boolean) => reports.filter(is).length;
  return {
    runs: reports.length,
    faults: count(({ happened }) => happened),
    old: count(({ left }) => left === 'old'),
    young: count(({ left }) => left === 'new'),
    mixtures: count(({ left }) => left === 'mixture'),
    outcomesLost: reports.reduce((sum, { lost }) => sum + lost, 0),
    problems: reports.flatMap(({ run, fault, problems }) =>
      problems.map((problem) => `run ${run} (${JSON.stringify(fault)}): ${problem}`),
    ),
  };
}

/** Every third run hits a step of the journal, one after the other; the others are left to chance. */
export function planFault(run: number, random: SeededRandom, manyFiles = false): PlannedFault {
  const call = random.integer(1, random.pick(manyFiles ? [200, 3000, 9000] : [10, 60, 200]));
  if (run % 3 === 0) return { action: 'kill', phase: 'journal', call: 1 + (Math.floor(run / 3) % JOURNAL_CALLS) };
  if (run % 3 === 1) {
    const code = random.pick(['ENOSPC', 'EIO', 'EACCES'] as const);
    return { action: 'error', code, phase: random.pick(['download', 'install', 'install'] as const), call };
  }
  if (random.chance(0.5))
    return { action: 'kill-at', afterMs: random.integer(0, manyFiles ? LONG_DEPLOYMENT_MS : WHOLE_DEPLOYMENT_MS) };
  const action = random.pick(['kill', 'kill-daemon'] as const);
  return { action, phase: random.pick(['download', 'install', 'install'] as const), call };
}

interface Sweep extends SweepRequest {
  readonly proxy: RecordingProxy;
  readonly host: EnrolledHost;
  readonly driver: DeploymentDriver;
  readonly faultFile: string;
}

async function oneRun(sweep: Sweep, agent: { daemon: Daemon }, run: number): Promise<RunReport> {
  const random = seededRandom(sweep.seed * 100_003 + run);
  const folder = join(sweep.folder, `${sweep.name}-run-${run}`);
  const site = join(folder, 'site');
  const sites = sitesFor(sweep, random);
  const fault = planFault(run, random, sweep.manyFiles);
  // Every other deployment is of another group than the one before it, and takes over what that has installed.
  const groups: readonly DrivenGroup[] = random.chance(0.5) ? ['hosts', 'same-hosts'] : ['same-hosts', 'hosts'];
  const way = (group: DrivenGroup = 'hosts') => ({ group, fileExistsBehavior: 'OVERWRITE' as const });
  const isTakeOver = random.chance(0.5);
  const problems: string[] = [];

  const old = await storeRevision(sweep, random, join(folder, 'old'), site, sites.old);
  const young = await storeRevision(sweep, random, join(folder, 'new'), site, sites.young);
  const first = await sweep.driver.ended(await sweep.driver.create(old, way(groups[0])));
  if (first.status !== 'Succeeded')
    problems.push(`the deployment without a fault is ${first.status}: ${faultOf(first)}`);
  const before = treeOf(site, { times: true });

  const orderedBefore = new Set(sweep.proxy.ordered());
  if (fault.action !== 'kill-at') writeFileSync(sweep.faultFile, JSON.stringify(fault));
  const deploymentId = await sweep.driver.create(young, way(isTakeOver ? groups[1] : groups[0]));
  const happened = await awaitFault(sweep, agent.daemon, deploymentId, fault);
  const died = fault.action !== 'error' && happened;
  if (died) {
    await agent.daemon.exited;
    agent.daemon = startAgent(sweep);
  }
  const second = await sweep.driver.ended(deploymentId);
  rmSync(sweep.faultFile, { force: true });

  const brought = treeOf(join(folder, 'new/files'));
  const after = isTakeOver ? overlaid(treeOf(join(folder, 'old/files')), brought) : brought;
  const left = compare(site, after, before);
  if (left === 'mixture') problems.push(`the tree is neither: ${describeMixture(site, after, before)}`);
  problems.push(...claimedTwice(sweep));
  if (second.status === 'Succeeded' && left !== 'new') problems.push('Succeeded, and the tree is not the new one');
  problems.push(...remains(sweep));
  const lost = await lostOutcomes(sweep.proxy, orderedBefore, problems);
  if (problems.length === 0) rmSync(folder, { recursive: true });
  return { run, fault, happened, left, status: second.status, lost, problems };
}

function sitesFor({ manyFiles }: SweepRequest, random: SeededRandom): ReturnType<typeof randomSites> {
  const { old, young } = randomSites(random);
  if (manyFiles !== true) return { old, young };
  return { old: withManyFiles(old, 'old'), young: withManyFiles(young, 'new') };
}

/** Waits until the fault has happened, or until the deployment is over without it. */
async function awaitFault(sweep: Sweep, daemon: Daemon, deploymentId: string, fault: PlannedFault): Promise<boolean> {
  if (fault.action === 'kill-at') {
    await delay(fault.afterMs);
    killTree(daemon.pid);
    return true;
  }
  const over = new AbortController();
  const gone = (async () => {
    while (!over.signal.aborted && existsSync(sweep.faultFile)) await delay(5);
    return true;
  })();
  const ended = sweep.driver.ended(deploymentId).then(() => !existsSync(sweep.faultFile));
  const happened = await Promise.race([gone, ended]);
  over.abort();
  if (fault.action === 'error') await ended;
  else if (happened) ended.catch(() => undefined);
  return happened;
}

async function storeRevision(
  sweep: Sweep,
  random: SeededRandom,
  folder: string,
  destination: string,
  site: Site,
): Promise<StoredRevision> {
  writeSite(join(folder, 'files'), site);
  writeFileSync(join(folder, 'stop.sh'), '#!/bin/sh\necho stopping\n', { mode: 0o755 });
  writeFileSync(join(folder, 'start.sh'), '#!/bin/sh\necho starting\n', { mode: 0o755 });
  const hooks = { ApplicationStop: [{ location: 'stop.sh' }], ApplicationStart: [{ location: 'start.sh' }] };
  const files = [{ source: 'files', destination }];
  writeFileSync(join(folder, 'appspec.yml'), JSON.stringify({ version: 0.0, os: 'linux', files, hooks }));
  const bundleType = random.pick(['tar', 'tgz', 'zip'] as const);
  const bundleFile = `${folder}.bundle`;
  await packBundle({ sourceDir: folder, bundleFile, bundleType });
  return sweep.driver.store(bundleFile, `${bundleFile.slice(1)}.${bundleType}`, bundleType);
}

/** The new revision over what is left of the old one, which stays the other group's where the new one brings nothing. */
function overlaid(old: Tree, young: Tree): Tree {
  const isDisplaced = (path: string) =>
    Object.entries(young).some(([other, what]) => path.startsWith(`${other}/`) && !what.startsWith('directory'));
  const kept = Object.entries(old).filter(([path]) => !isDisplaced(path));
  return { ...Object.fromEntries(kept), ...young };
}

/** A file that the records of two groups claim would go with either. */
function claimedTwice({ host }: Sweep): string[] {
  const folder = join(host.rootDir, 'deployment-instructions');
  const records = readdirSync(folder).filter((name) => name.endsWith('-cleanup'));
  const lines = records.flatMap((name) => [...new Set(readFileSync(join(folder, name), 'utf8').split('\n'))]);
  const paths = lines.filter(
    (line) => line !== '' && lstatSync(line, { throwIfNoEntry: false })?.isDirectory() === false,
  );
  return paths.filter((path, index) => paths.indexOf(path) !== index).map((path) => `claimed twice: ${path}`);
}

type Tree = Record<string, string>;

function compare(site: string, after: Tree, before: Tree): RunReport['left'] {
  if (isDeepStrictEqual(treeOf(site), after)) return 'new';
  return isDeepStrictEqual(treeOf(site, { times: true }), before) ? 'old' : 'mixture';
}

/** Names that are as in neither, with all three. */
function describeMixture(site: string, young: Tree, before: Tree): string {
  const [now, timed] = [treeOf(site), treeOf(site, { times: true })];
  const names = [...new Set([...Object.keys(now), ...Object.keys(before), ...Object.keys(young)])];
  const unlike = (other: Record<string, string>, own: Record<string, string>) =>
    names.filter((name) => own[name] !== other[name]);
  const show = (name: string) => `${name}: was ${before[name]}, new ${young[name]}, is ${timed[name]}`;
  return `unlike the new one: ${unlike(young, now).slice(0, 3).map(show).join(' | ')}; unlike the old one: ${unlike(before, timed).slice(0, 3).map(show).join(' | ')}`;
}

/** Files that must be gone once an agent has put everything right. */
function remains({ host }: Sweep): string[] {
  const instructions = join(host.rootDir, 'deployment-instructions');
  return [
    ...(existsSync(instructions) ? readdirSync(instructions) : []).filter((name) => /journal|\.slipway-/.test(name)),
    ...globSync('*/*/deployment-archive-temp', { cwd: host.rootDir }),
  ].map((name) => `left behind: ${name}`);
}

/** Each order must have one outcome; those on their way get a moment. */
async function lostOutcomes(proxy: RecordingProxy, before: ReadonlySet<string>, problems: string[]): Promise<number> {
  const orders = () => [...proxy.ordered()].filter((id) => !before.has(id));
  const isOpen = (id: string) => (proxy.outcomes().get(id) ?? []).length === 0;
  for (let looks = 0; looks < 200 && orders().some(isOpen); looks += 1) await delay(25);
  const open = orders().filter(isOpen);
  const contradicted = orders().filter((id) => new Set(proxy.outcomes().get(id)).size > 1);
  for (const id of open) problems.push(`no outcome of ${id}`);
  for (const id of contradicted) problems.push(`outcomes of ${id}: ${proxy.outcomes().get(id)?.join(', ')}`);
  return open.length + contradicted.length;
}

function faultOf({ events }: EndedDeployment): string {
  const failed = events.find(({ status }) => status === 'Failed');
  return failed === undefined ? 'no event failed' : `${failed.name}: ${failed.message}`;
}

async function enrol({ server, folder, name }: SweepRequest, proxy: RecordingProxy): Promise<EnrolledHost> {
  mkdirSync(folder, { recursive: true });
  const throughProxy = { ...server, env: { ...server.env, SLIPWAY_ENDPOINT_URL: proxy.url } };
  return enrolHost(throughProxy, join(folder, name), name, tagOf(name));
}

function tagOf(name: string): string {
  return `Name=${name}`;
}

function startAgent({ host, faultFile }: Sweep): Daemon {
  // The sources: the built agent runs without a compiler for WebAssembly, which the preloaded TypeScript needs.
  const env = { [FAULT_FILE_VARIABLE]: faultFile, NODE_OPTIONS: `--import=${PRELOAD}` };
  return host.startAgent(env, SOURCE_PROGRAM);
}
