import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BackendServer, freePort, type RunningBalancer } from '../support/balancers.ts';
import { eventually } from '../support/eventually.ts';
import type { ScratchFolder } from '../support/scratch.ts';
import { type ControlServer, type Daemon, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';
import { startLoad } from './load.ts';
import { prepareHost, writeRevision } from './revisions.ts';

const HOSTS = ['web-1', 'web-2', 'web-3', 'web-4'];
const CLIENTS = 20;

export interface LoadReport {
  readonly what: string;
  readonly requests: number;
  readonly failed: number;
  readonly faults: ReadonlySet<string>;
}

/** Four hosts behind one balancer: a rolling deployment under load, and one that fails and is rolled back. */
export async function runRollingDeployments(
  scratch: ScratchFolder,
  start: (folder: string, servers: readonly BackendServer[]) => Promise<RunningBalancer>,
  report: (load: LoadReport) => void,
): Promise<void> {
  const servers: BackendServer[] = [];
  for (const name of HOSTS) servers.push({ name, port: await freePort() });
  await using balancer = await start(scratch.path, servers);
  const file = scratch.at('balancers.json');
  const probe = { url: 'http://127.0.0.1:{tag:Port}/health' };
  writeFileSync(file, JSON.stringify({ front: { ...balancer.settings, probe, drainSeconds: 30 } }));
  await using server = await startControlServer(scratch.at('data'), undefined, ['--load-balancers', file]);
  const agents: Daemon[] = [];
  try {
    for (const { name, port } of servers) {
      const folder = scratch.at(name);
      prepareHost(folder, port);
      const host = await enrolHost(server, folder, name, 'Role=web');
      await must(server, ['hosts', 'update', name, '--tag', `Port=${port}`]);
      agents.push(host.startAgent());
    }
    await must(server, ['applications', 'create', 'shop']);
    const group = ['groups', 'create', 'web', '--application', 'shop', '--tag', 'Role=web'];
    const settings = ['--load-balancers', 'front', '--config', 'CodeDeployDefault.HalfAtATime'];
    await must(server, [...group, ...settings, '--auto-rollback', 'failure']);
    await deploy(server, scratch, 'first', true);
    const underLoad = async (what: string, work: () => Promise<void>) => {
      const load = startLoad(balancer.socketPath, CLIENTS);
      try {
        await work();
      } finally {
        await load.stop();
      }
      report({ what, requests: load.requests, failed: load.failed, faults: load.faults });
    };
    await underLoad('rolling deployment', () => deploy(server, scratch, 'second', true));
    await underLoad('rollback', async () => {
      await deploy(server, scratch, 'third', false);
      await eventually(async () => (await latest(server)) === 'codeDeployRollback Succeeded', {
        withinMs: 180_000,
        everyMs: 500,
      });
    });
  } finally {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    for (const name of HOSTS) spawnSync(join(scratch.at(name), 'stop.sh'));
  }
}

async function deploy(server: ControlServer, scratch: ScratchFolder, version: string, isGood: boolean): Promise<void> {
  const folder = scratch.at(version);
  writeRevision(folder, version, isGood);
  const { status, stdout, stderr } = await runSlipway(
    ['deploy', folder, '--application', 'shop', '--group', 'web'],
    server.env,
  );
  if ((status === 0) !== isGood) throw new Error(`deployment of ${version}: exit ${status}\n${stdout}${stderr}`);
}

/** Creator and status of the newest deployment. */
async function latest(server: ControlServer): Promise<string> {
  const { stdout } = await must(server, ['deployments', 'list', '--json']);
  const [newest] = JSON.parse(stdout) as { readonly creator?: string; readonly status?: string }[];
  return `${newest?.creator} ${newest?.status}`;
}

async function must(server: ControlServer, args: readonly string[]) {
  const end = await runSlipway(args, server.env);
  if (end.status !== 0) throw new Error(`slipway ${args.join(' ')}: exit ${end.status}\n${end.stdout}${end.stderr}`);
  return end;
}
