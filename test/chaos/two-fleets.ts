/**
 * Blue/green deployments, one after another between two fleets, over servers that are killed. Programs that write down their orders make
 * hosts and end them. Hosts are led into a balancer and out of it. That is held against what must never be.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { handDrivenHost, managementClient } from '../support/hand-driven-host.ts';
import { seededRandom } from '../support/random.ts';
import { killableServers } from '../support/server-faults/killable-servers.ts';
import { sweepOperator } from '../support/server-faults/operator.ts';
import { type SimulatedHost, startSimulatedHost } from '../support/server-faults/simulated-host.ts';
import { createWitness } from '../support/server-faults/witness.ts';
import {
  type ChaosRequest,
  type ChaosSummary,
  carryOutFaults,
  type DeploymentReport,
  ending,
  patiently,
  summarise,
} from './chaos.ts';
import { keyOf } from './fleet.ts';
import { planFaults } from './plan.ts';

const FLEETS = ['a', 'b'] as const;
const GROUP = { applicationName: 'two', deploymentGroupName: 'fleets' };
const MINIMUM = { deploymentConfigName: 'CodeDeployDefault.HalfAtATime', allowed: 0, custom: null };

/** Runs deployments until all kills have happened. @param request its hosts are shared by the two fleets */
export async function runTwoFleets(request: ChaosRequest): Promise<ChaosSummary> {
  const { seed, folder, hosts } = request;
  const witness = createWitness(() => performance.timeOrigin + performance.now());
  const log = join(folder, 'asked');
  await using servers = await killableServers(folder, 'postgres', request.servers, settingsIn(folder, log));
  const operator = await sweepOperator(servers.servers, { tag: 'none', bundleKey: 'unused', minimums: [] });
  const [first] = servers.servers;
  if (first === undefined) throw new Error('two fleets need a server');
  const admin = managementClient(first.url, keyOf(first));
  const names = (fleet: string) => Array.from({ length: Math.ceil(hosts / 2) }, (_, index) => `${fleet}-${index}`);
  const running: SimulatedHost[] = [];
  try {
    for (const [index, name] of FLEETS.flatMap(names).entries()) {
      const { hostArn, key } = await handDrivenHost(first.url, admin, name, name.charAt(0));
      const endpoints = servers.servers.map((_, at) => servers.servers[(at + index) % request.servers]?.url ?? '');
      const random = seededRandom(seed + index);
      running.push(startSimulatedHost({ name, hostArn, key, endpoints, witness, random, fails: () => false }));
    }
    await makeGroup(operator.ask);
    const happened = { kills: 0, restarts: 0 };
    const deploying = new AbortController();
    let isOver = false;
    const faults = carryOutFaults({ servers, witness }, planFaults(seed, request), happened, deploying.signal).finally(
      () => {
        isOver = true;
      },
    );
    // Until it is awaited below; a fault that could not be carried out ends the run there.
    faults.catch(() => undefined);
    const reports: DeploymentReport[] = [];
    try {
      while (!isOver) {
        const number = reports.length;
        const [old, next] = number % 2 === 0 ? FLEETS : FLEETS.toReversed();
        const began = performance.now();
        const before = witness.problems().length;
        const deploymentId = await deploy(operator.ask, number, next ?? '');
        const status = await ending(operator, deploymentId);
        const asked = askedOf(log, deploymentId);
        const wrong = wrongIn(asked, { old: names(old ?? ''), next: names(next ?? ''), deploymentId });
        const twice = witness.ranTwice(deploymentId).map((what) => `was run twice: ${what}`);
        const problems = [
          ...(status === 'Succeeded' ? wrong : [`nothing failed, and it is ${status}`]),
          ...[...twice, ...witness.problems().slice(before), ...(await patiently(() => servers.examine()))],
        ];
        const counts = { lost: wrong.length, twice: twice.length, overLimit: 0, stuck: status === 'stuck' ? 1 : 0 };
        const plan = { minimum: MINIMUM, failing: null, stopAfterSteps: null };
        const report = { number, plan, status, seconds: (performance.now() - began) / 1000, ...counts, problems };
        reports.push(report);
        request.onDeployment?.(report);
      }
    } finally {
      deploying.abort();
    }
    await faults;
    return summarise(reports, happened);
  } finally {
    for (const host of running) await host[Symbol.asyncDispose]();
  }
}

/** A balancer and programs that write down what they are asked. @returns flags of `slipway server` */
function settingsIn(folder: string, log: string): readonly string[] {
  const [balancers, fleets] = [join(folder, 'balancers.json'), join(folder, 'fleets.json')];
  const write = (what: string) => ['/bin/sh', '-c', `echo ${what} >> ${quoteForShell(log)}`, 'asked'];
  writeFileSync(
    balancers,
    JSON.stringify({ front: { kind: 'script', command: write('"balancer $1 $SLIPWAY_HOST"') } }),
  );
  const command = write('"program $SLIPWAY_REQUEST_ID"');
  writeFileSync(
    fleets,
    JSON.stringify({
      'two/*': { provision: { command, mayRunAgain: true }, terminate: { command, mayRunAgain: true } },
    }),
  );
  return ['--load-balancers', balancers, '--fleets', fleets];
}

type Ask = Awaited<ReturnType<typeof sweepOperator>>['ask'];

const filterOf = (Value: string) => [{ Key: 'Role', Value, Type: 'KEY_AND_VALUE' as const }];

async function makeGroup(ask: Ask): Promise<void> {
  await ask((client) => client.call('CreateApplication', { applicationName: GROUP.applicationName }));
  await ask((client) =>
    client.call('CreateDeploymentGroup', {
      ...{
        ...GROUP,
        serviceRoleArn: 'arn:aws:iam::000000000000:role/any',
        onPremisesInstanceTagFilters: filterOf('a'),
      },
      deploymentStyle: { deploymentType: 'BLUE_GREEN', deploymentOption: 'WITH_TRAFFIC_CONTROL' },
      loadBalancerInfo: { targetGroupInfoList: [{ name: 'front' }] },
      blueGreenDeploymentConfiguration: { terminateBlueInstancesOnDeploymentSuccess: { action: 'TERMINATE' } },
    }),
  );
}

/** @returns its id, also when the server died before it could say it */
async function deploy(ask: Ask, number: number, next: string): Promise<string> {
  const revision = {
    revisionType: 'S3' as const,
    s3Location: { bucket: 'revisions', key: `two-${number}.tgz`, bundleType: 'tgz' as const },
  };
  const input = { ...GROUP, revision, targetInstances: { tagFilters: filterOf(next) } };
  const newest = async () => (await ask((client) => client.call('ListDeployments', GROUP))).deployments?.[0];
  const before = await newest();
  const made = await ask((client) => client.call('CreateDeployment', input)).catch(() => null);
  const deploymentId = made?.deploymentId ?? (await newest());
  if (deploymentId === undefined || deploymentId === before) throw new Error('the deployment was not made');
  return deploymentId;
}

/** Requests from the provision program of this deployment on. */
function askedOf(log: string, deploymentId: string): readonly string[] {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
  const begin = lines.indexOf(`program ${deploymentId}/provision`);
  return begin === -1 ? [] : lines.slice(begin);
}

interface Moved {
  readonly old: readonly string[];
  readonly next: readonly string[];
  readonly deploymentId: string;
}

/** Faults, in words: a host that nobody asked for, a moment in which too few served, an end before traffic had moved. */
function wrongIn(asked: readonly string[], { old, next, deploymentId }: Moved): readonly string[] {
  const serving = new Set(old);
  const ended = new Set<string>();
  const wrong: string[] = [];
  const required = Math.ceil(next.length / 2);
  for (const line of asked) {
    const [who = '', what = '', host = ''] = line.split(' ');
    if (who === 'balancer' && what === 'allow') serving.add(host);
    if (who === 'balancer' && what === 'block') serving.delete(host);
    if (who === 'program' && what !== `${deploymentId}/provision`) {
      const name = what.replace(`${deploymentId}/terminate/`, '');
      if (!old.includes(name)) wrong.push(`asked for the end of ${name}`);
      if (serving.has(name)) wrong.push(`${name} was ended while it served`);
      ended.add(name);
    }
    if (serving.size < required) wrong.push(`only ${serving.size} hosts served after: ${line}`);
  }
  if (asked.length === 0) wrong.push('no hosts were made');
  for (const host of next) if (!serving.has(host)) wrong.push(`${host} does not serve`);
  for (const host of old) if (serving.has(host)) wrong.push(`${host} serves`);
  for (const host of old) if (!ended.has(host)) wrong.push(`${host} was not ended`);
  return wrong;
}
