/**
 * Rolling deployments whose server is killed at any instant. Afterwards every report that a server has answered stands, no host has run
 * anything twice, and every deployment has ended. At no instant were more hosts out of service than the configuration allows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { aborted } from '../../../src/system/aborted.ts';
import { askForStop } from './ask-for-stop.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { type KillableServers, killableServers } from './killable-servers.ts';
import { lostReports } from './lost-reports.ts';
import { type Operator, sweepOperator } from './operator.ts';
import { HOSTS, MINIMUMS, planRun, type RunPlan } from './plan.ts';
import { createWitness, type Witness } from './witness.ts';

export interface ServerSweepRequest {
  readonly seed: number;
  /** The numbers of the runs to make. */
  readonly runs: readonly number[];
  /** A folder of the sweep's own. */
  readonly folder: string;
  readonly on: 'sqlite' | 'postgres';
  /** How many of the hosts are real agents. */
  readonly agents: number;
  onRun?(report: ServerRunReport): void;
}

export interface ServerRunReport {
  readonly run: number;
  readonly plan: RunPlan;
  /** How often a server was killed before the deployment was over. */
  readonly kills: number;
  readonly status: string;
  readonly lost: number;
  readonly twice: number;
  readonly overLimit: number;
  readonly stuck: number;
  /** Faults, in words; the numbers above are among them. */
  readonly problems: readonly string[];
}

export type ServerSweepSummary = Pick<ServerRunReport, 'kills' | 'lost' | 'twice' | 'overLimit' | 'stuck'> & {
  readonly runs: number;
  readonly problems: readonly string[];
};

const FINAL = ['Succeeded', 'Failed', 'Stopped'];
/** Simulated hosts come back at once. Agents wait up to 13 s after the first poll that fails, and longer after the next. */
const ENDS_WITHIN_MS = { simulated: 60_000, real: 180_000 };

interface Sweep {
  readonly request: ServerSweepRequest;
  readonly servers: KillableServers;
  readonly operator: Operator;
  readonly fleet: Fleet;
  readonly witness: Witness;
}

export async function sweepServerFaults(request: ServerSweepRequest): Promise<ServerSweepSummary> {
  const { folder, on, seed, agents } = request;
  const witness = createWitness(() => performance.timeOrigin + performance.now());
  await using servers = await killableServers(folder, on);
  const group = { tag: 'swept', bundleKey: 'swept.tgz', minimums: MINIMUMS };
  const operator = await sweepOperator(servers.servers, group);
  await using fleet = await startFleet({ ...{ servers: servers.servers, folder, seed, agents, witness }, ...group });
  const sweep: Sweep = { request, servers, operator, fleet, witness };
  const reports: ServerRunReport[] = [];
  for (const run of request.runs) {
    const report = await oneRun(sweep, run);
    reports.push(report);
    request.onRun?.(report);
  }
  return summarise(reports);
}

function summarise(reports: readonly ServerRunReport[]): ServerSweepSummary {
  const sum = (count: (report: ServerRunReport) => number) => reports.reduce((all, report) => all + count(report), 0);
  return {
    runs: reports.length,
    kills: sum(({ kills }) => kills),
    lost: sum(({ lost }) => lost),
    twice: sum(({ twice }) => twice),
    overLimit: sum(({ overLimit }) => overLimit),
    stuck: sum(({ stuck }) => stuck),
    problems: reports.flatMap(({ run, problems }) => problems.map((problem) => `run ${run}: ${problem}`)),
  };
}

async function oneRun(sweep: Sweep, run: number): Promise<ServerRunReport> {
  const { request, servers, operator, fleet, witness } = sweep;
  const plan = planRun(request.seed, run, servers.servers.length, HOSTS - request.agents);
  fleet.follow(plan);
  const before = witness.problems().length;
  const over = new AbortController();
  const killing = carryOutKills(sweep, plan, over.signal);
  const deploymentId = await operator.createDeployment(plan.minimum);
  const stopping = askForStop(sweep, plan, deploymentId, over.signal);
  let status = await ending(sweep, deploymentId);
  const stuck = status === null ? [`the deployment ${deploymentId} does not end`] : [];
  if (status === null) {
    await operator.ask((client) => client.call('StopDeploymentNow', { deploymentId })).catch(() => undefined);
    status = 'stuck';
  }
  over.abort();
  const [kills, isStopped] = [await killing, await stopping];
  fleet.readMarks(deploymentId);
  const lost = lostReports(witness, deploymentId, await operator.targetsOf(deploymentId));
  const twice = witness.ranTwice(deploymentId).map((what) => `was run twice: ${what}`);
  const mostDown = witness.mostDown(deploymentId);
  const { allowed } = plan.minimum;
  const overLimit = mostDown > allowed ? [`${mostDown} hosts were out of service at once, and ${allowed} may be`] : [];
  const problems = [
    ...[...stuck, ...lost, ...twice, ...overLimit],
    ...(isStopped && status !== 'Stopped' ? [`a stop was accepted, and the deployment is ${status}`] : []),
    ...(mustSucceed(request, plan, isStopped) && status !== 'Succeeded' ? [`nothing failed, and it is ${status}`] : []),
    ...witness.problems().slice(before),
    ...(await servers.examine()),
  ];
  const numbers = { lost: lost.length, twice: twice.length, overLimit: overLimit.length, stuck: stuck.length };
  return { run, plan, kills, status, ...numbers, problems };
}

/** A real agent may fail for reasons of its own: it does not ask for ever for a server that is down. */
function mustSucceed({ agents }: ServerSweepRequest, { failing }: RunPlan, isStopped: boolean): boolean {
  return agents === 0 && failing === null && !isStopped;
}

/** @returns how many happened before the deployment was over */
async function carryOutKills({ servers, witness }: Sweep, { kills }: RunPlan, over: AbortSignal): Promise<number> {
  let happened = 0;
  for (const { place, afterSteps, plusMs, awayMs } of kills) {
    await Promise.race([witness.afterSteps(afterSteps), aborted(over)]);
    await delay(plusMs);
    if (over.aborted) break;
    await servers.kill(place);
    happened += 1;
    await delay(awayMs);
    await servers.restart(place);
  }
  return happened;
}

/** @returns null: it does not end */
async function ending({ operator, request }: Sweep, deploymentId: string): Promise<string | null> {
  const giveUpAtMs = performance.now() + (request.agents === 0 ? ENDS_WITHIN_MS.simulated : ENDS_WITHIN_MS.real);
  while (performance.now() < giveUpAtMs) {
    const status = await operator.statusOf(deploymentId);
    if (FINAL.includes(status)) return status;
    await delay(20);
  }
  return null;
}
