/**
 * Rolling deployments, one after another, over servers that are killed and a database that goes away and comes back. It ends when all that
 * is planned has happened. After each deployment, the notes of the hosts are compared with the answers of the servers and with the rows.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { aborted } from '../../src/system/aborted.ts';
import { askForStop } from '../support/server-faults/ask-for-stop.ts';
import { mostDownByRows } from '../support/server-faults/contradictions.ts';
import { type KillableServers, killableServers } from '../support/server-faults/killable-servers.ts';
import { inventedReports, lostReports } from '../support/server-faults/lost-reports.ts';
import { type Operator, sweepOperator } from '../support/server-faults/operator.ts';
import { createWitness, type Witness } from '../support/server-faults/witness.ts';
import { type ChaosFleet, startChaosFleet, storeBundle } from './fleet.ts';
import { type ChaosSize, type Fault, minimumsFor, type PlannedDeployment, planDeployment, planFaults } from './plan.ts';

export interface ChaosRequest extends ChaosSize {
  readonly seed: number;
  /** A folder of the run's own. */
  readonly folder: string;
  onDeployment?(report: DeploymentReport): void;
}

/** Faults; each is a count. */
export interface Verdict {
  /** Reports that were answered and do not stand, or stand and were never made. */
  readonly lost: number;
  readonly twice: number;
  readonly overLimit: number;
  readonly stuck: number;
}

export interface DeploymentReport extends Verdict {
  readonly number: number;
  readonly plan: PlannedDeployment;
  readonly status: string;
  readonly seconds: number;
  /** Faults, in words. */
  readonly problems: readonly string[];
}

export interface ChaosSummary extends Verdict {
  readonly kills: number;
  readonly restarts: number;
  readonly deployments: number;
  readonly problems: readonly string[];
}

const FINAL = ['Succeeded', 'Failed', 'Stopped'];
/** Each deployment takes some ten seconds; what it waits for while servers and database come and go is bounded by this. */
const ENDS_WITHIN_MS = 180_000;
/** A fault comes after so long, also when nothing happens that it could come after. */
const QUIET_LIMIT_MS = 10_000;
const TAG = 'chaos';

interface Chaos {
  readonly request: ChaosRequest;
  readonly servers: KillableServers;
  readonly operator: Operator;
  readonly fleet: ChaosFleet;
  readonly witness: Witness;
}

export async function runChaos(request: ChaosRequest): Promise<ChaosSummary> {
  const { seed, folder, hosts } = request;
  const witness = createWitness(() => performance.timeOrigin + performance.now());
  await using servers = await killableServers(folder, 'postgres', request.servers);
  const operator = await sweepOperator(servers.servers, {
    ...{ tag: TAG, bundleKey: 'unused', minimums: minimumsFor(hosts) },
  });
  await using fleet = await startChaosFleet({ servers: servers.servers, count: hosts, seed, tag: TAG, witness });
  const chaos: Chaos = { request, servers, operator, fleet, witness };
  const happened = { kills: 0, restarts: 0 };
  const reports: DeploymentReport[] = [];
  const deploying = new AbortController();
  let isOver = false;
  const faults = carryOutFaults(chaos, planFaults(seed, request), happened, deploying.signal).finally(() => {
    isOver = true;
  });
  // Until it is awaited below; a fault that could not be carried out ends the run there.
  faults.catch(() => undefined);
  try {
    while (!isOver) {
      const report = await oneDeployment(chaos, reports.length);
      reports.push(report);
      request.onDeployment?.(report);
    }
  } finally {
    deploying.abort();
  }
  await faults;
  return summarise(reports, happened);
}

export function summarise(
  reports: readonly DeploymentReport[],
  happened: { readonly kills: number; readonly restarts: number },
): ChaosSummary {
  const sum = (what: keyof Verdict) => reports.reduce((all, report) => all + report[what], 0);
  return {
    ...happened,
    ...{ lost: sum('lost'), twice: sum('twice'), overLimit: sum('overLimit'), stuck: sum('stuck') },
    deployments: reports.length,
    problems: reports.flatMap(({ number, problems }) => problems.map((problem) => `deployment ${number}: ${problem}`)),
  };
}

/** Kills and restarts until all are over, or nobody deploys any more. @param happened counts them */
export async function carryOutFaults(
  { servers, witness }: Pick<Chaos, 'servers' | 'witness'>,
  faults: readonly Fault[],
  happened: { kills: number; restarts: number },
  signal: AbortSignal,
): Promise<void> {
  for (const { afterSteps, plusMs, victims, database } of faults) {
    const quiet = new AbortController();
    await Promise.race([
      ...[witness.afterSteps(afterSteps), aborted(signal)],
      delay(QUIET_LIMIT_MS, undefined, { signal: quiet.signal }).catch(() => undefined),
    ]);
    quiet.abort();
    await delay(plusMs);
    if (signal.aborted) return;
    await Promise.all([
      ...victims.map(async ({ place, awayMs }) => {
        await servers.kill(place);
        happened.kills += 1;
        await delay(awayMs);
        await servers.restart(place);
      }),
      ...(database === null ? [] : [servers.restartDatabase(database.mode, database.awayMs)]),
    ]);
    if (database !== null) happened.restarts += 1;
  }
}

async function oneDeployment(chaos: Chaos, number: number): Promise<DeploymentReport> {
  const { request, servers, operator, fleet, witness } = chaos;
  const plan = planDeployment(request.seed, number, request.hosts);
  const beganMs = performance.now();
  const before = witness.problems().length;
  const bundle = { key: `chaos-${number}.tgz`, content: `the content of bundle ${number}` };
  await storeBundle(servers.servers, bundle);
  fleet.follow(plan, bundle);
  const deploymentId = await operator.createDeployment(plan.minimum, bundle.key);
  const over = new AbortController();
  const stopping = askForStop(chaos, plan, deploymentId, over.signal);
  const status = await ending(operator, deploymentId);
  over.abort();
  const isStopped = await stopping;
  const targets = await operator.targetsOf(deploymentId);
  const seen = witness.mostDown(deploymentId);
  const kept = await patiently(() => servers.read((store) => mostDownByRows(store, deploymentId)));
  const { allowed } = plan.minimum;
  const overLimit = [
    ...(seen > allowed ? [`${seen} hosts were out of service at once, and ${allowed} may be`] : []),
    ...(kept > allowed ? [`by the rows ${kept} hosts were out of service at once, and ${allowed} may be`] : []),
  ];
  const stuck = status === 'stuck' ? [`the deployment ${deploymentId} does not end`] : [];
  const lost = [...lostReports(witness, deploymentId, targets), ...inventedReports(witness, deploymentId, targets)];
  const twice = witness.ranTwice(deploymentId).map((what) => `was run twice: ${what}`);
  const mustSucceed = plan.failing === null && !isStopped;
  const problems = [
    ...[...stuck, ...lost, ...twice, ...overLimit],
    ...(isStopped && status !== 'Stopped' ? [`a stop was accepted, and the deployment is ${status}`] : []),
    ...(mustSucceed && status !== 'Succeeded' ? [`nothing failed, and it is ${status}`] : []),
    ...witness.problems().slice(before),
    ...(await patiently(() => servers.examine())),
  ];
  const counts = { lost: lost.length, twice: twice.length, overLimit: overLimit.length, stuck: stuck.length };
  return { number, plan, status, seconds: (performance.now() - beganMs) / 1000, ...counts, problems };
}

/** @returns how it has ended; `stuck`: it has not, and was made to */
export async function ending(operator: Pick<Operator, 'ask' | 'statusOf'>, deploymentId: string): Promise<string> {
  const giveUpAtMs = performance.now() + ENDS_WITHIN_MS;
  while (performance.now() < giveUpAtMs) {
    const status = await operator.statusOf(deploymentId);
    if (FINAL.includes(status)) return status;
    await delay(100);
  }
  await operator.ask((client) => client.call('StopDeploymentNow', { deploymentId })).catch(() => undefined);
  return 'stuck';
}

/** The database may be down just when it is looked into. */
export async function patiently<T>(read: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + 60_000;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await delay(200);
    }
  }
}
