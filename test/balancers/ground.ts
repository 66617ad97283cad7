/** Hosts with real agents behind one balancer, and a server that knows it. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BackendServer, freePort, type RunningBalancer } from '../support/balancers.ts';
import { eventually } from '../support/eventually.ts';
import type { ScratchFolder } from '../support/scratch.ts';
import { type ControlServer, type Daemon, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';
import { startLoad } from './load.ts';
import { prepareHost, writeRevision } from './revisions.ts';

const CLIENTS = 20;

export interface LoadReport {
  readonly what: string;
  readonly requests: number;
  readonly failed: number;
  readonly faults: ReadonlySet<string>;
}

/** Starts a balancer that knows these servers. */
export type StartBalancer = (folder: string, servers: readonly BackendServer[]) => Promise<RunningBalancer>;

export interface Ground {
  slipway(args: readonly string[]): Promise<string>;
  /** Deploys a revision of this version, and throws unless it ends as it is to. @param flags of `slipway deploy` */
  deploy(version: string, how: { readonly isGood: boolean; readonly flags?: readonly string[] }): Promise<void>;
  /** Waits until the newest deployment is a rollback that has succeeded. */
  untilRolledBack(): Promise<void>;
  /** Does something while clients ask without a pause. */
  underLoad(what: string, work: () => Promise<void>): Promise<LoadReport>;
}

/** The hosts' tags, by their names. Those that the balancer does not know from the beginning are told to it later. */
export async function onGround(
  scratch: ScratchFolder,
  start: StartBalancer,
  hosts: Readonly<Record<string, { readonly tag: string; readonly isKnown: boolean }>>,
  work: (ground: Ground) => Promise<void>,
): Promise<void> {
  const names = Object.keys(hosts);
  const servers: BackendServer[] = [];
  for (const name of names) servers.push({ name, port: await freePort(), isOut: hosts[name]?.isKnown === false });
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
      const host = await enrolHost(server, folder, name, hosts[name]?.tag);
      await must(server, ['hosts', 'update', name, '--tag', `Port=${port}`]);
      agents.push(host.startAgent());
    }
    await must(server, ['applications', 'create', 'shop']);
    await work(groundOf(scratch, server, balancer.socketPath));
  } finally {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    for (const name of names) spawnSync(join(scratch.at(name), 'stop.sh'));
  }
}

function groundOf(scratch: ScratchFolder, server: ControlServer, socketPath: string): Ground {
  return {
    slipway: async (args) => (await must(server, args)).stdout,
    async deploy(version, { isGood, flags = [] }) {
      const folder = scratch.at(version);
      writeRevision(folder, version, isGood);
      const args = ['deploy', folder, '--application', 'shop', '--group', 'web', ...flags];
      const { status, stdout, stderr } = await runSlipway(args, server.env);
      if ((status === 0) !== isGood) throw new Error(`deployment of ${version}: exit ${status}\n${stdout}${stderr}`);
    },
    async untilRolledBack() {
      const isRolledBack = async () => {
        const { stdout } = await must(server, ['deployments', 'list', '--json']);
        const [newest] = JSON.parse(stdout) as { readonly creator?: string; readonly status?: string }[];
        return newest?.creator === 'codeDeployRollback' && newest.status === 'Succeeded';
      };
      await eventually(isRolledBack, { withinMs: 180_000, everyMs: 500 });
    },
    async underLoad(what, work) {
      const load = startLoad(socketPath, CLIENTS);
      try {
        await work();
      } finally {
        await load.stop();
      }
      return { what, requests: load.requests, failed: load.failed, faults: load.faults };
    },
  };
}

async function must(server: ControlServer, args: readonly string[]) {
  const end = await runSlipway(args, server.env);
  if (end.status !== 0) throw new Error(`slipway ${args.join(' ')}: exit ${end.status}\n${end.stdout}${end.stderr}`);
  return end;
}
