/** The hosts of the sweep: real agents, and simulated hosts for the rest of the four. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packBundle } from '../../../src/archive/pack.ts';
import { quoteForShell } from '../../../src/system/shell-word.ts';
import { handDrivenHost, managementClient } from '../hand-driven-host.ts';
import { killTree } from '../process-tree.ts';
import { seededRandom } from '../random.ts';
import { rawS3 } from '../raw-s3.ts';
import { writeRevision } from '../revision.ts';
import { type ControlServer, type Daemon, type EnrolledHost, enrolHost } from '../slipway.ts';
import { HOSTS, type RunPlan } from './plan.ts';
import { type SimulatedHost, startSimulatedHost } from './simulated-host.ts';
import type { Witness } from './witness.ts';

export interface Fleet extends AsyncDisposable {
  readonly names: readonly string[];
  /** Calls that fail from now on. */
  follow(plan: RunPlan): void;
  /** Has the witness learn what scripts of real agents have written down of a deployment. */
  readMarks(deploymentId: string): void;
}

export interface FleetRequest {
  readonly servers: readonly ControlServer[];
  readonly folder: string;
  readonly seed: number;
  /** How many of the hosts are real agents. */
  readonly agents: number;
  readonly tag: string;
  readonly bundleKey: string;
  readonly witness: Witness;
}

const SCRIPTS = ['ApplicationStop', 'BeforeInstall', 'AfterInstall', 'ApplicationStart', 'ValidateService'];

export async function startFleet(request: FleetRequest): Promise<Fleet> {
  const { servers, folder, seed, agents, tag, witness } = request;
  const [first] = servers;
  if (first === undefined) throw new Error('a fleet needs a server');
  const marksFile = join(folder, 'marks');
  if (agents > 0) await storeBundle(request, first, marksFile);
  const real: EnrolledHost[] = [];
  for (let number = 0; number < agents; number += 1) {
    const own = join(folder, `agent-${number}`);
    mkdirSync(own);
    real.push(await enrolHost(first, own, `agent-${number}`, `Role=${tag}`));
  }
  let plan: RunPlan | null = null;
  const names = [...real.map(({ name }) => name), ...simulatedNames(agents)];
  const simulated: SimulatedHost[] = [];
  const admin = managementClient(first.url, keyOf(first));
  for (const [index, name] of simulatedNames(agents).entries()) {
    const { hostArn, key } = await handDrivenHost(first.url, admin, name, tag);
    // Where there are two servers, half of the hosts begin with each.
    const endpoints = servers.map((_, place) => servers[(place + index) % servers.length]?.url ?? first.url);
    const fails = (_: string, event: string) =>
      plan?.failing !== null && plan?.failing.event === event && names[plan.failing.host] === name;
    simulated.push(
      startSimulatedHost({ name, hostArn, key, endpoints, witness, random: seededRandom(seed + index), fails }),
    );
  }
  const daemons: Daemon[] = real.map((host) => host.startAgent());
  return {
    names,
    follow(next) {
      plan = next;
    },
    readMarks(deploymentId) {
      for (const line of existsSync(marksFile) ? readFileSync(marksFile, 'utf8').trimEnd().split('\n') : []) {
        const [event = '', id, nanoseconds, script = ''] = line.split(' ');
        const host = real.find(({ rootDir }) => script.startsWith(rootDir));
        if (id !== deploymentId || host === undefined) continue;
        const atMs = Number(nanoseconds) / 1e6;
        witness.ran(host.name, deploymentId, event, atMs);
        if (event === SCRIPTS.at(-1)) witness.done(host.name, deploymentId, atMs + 0.01);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const host of simulated) await host[Symbol.asyncDispose]();
      for (const daemon of daemons) {
        killTree(daemon.pid);
        await daemon.exited;
      }
    },
  };
}

function simulatedNames(agents: number): string[] {
  return Array.from({ length: HOSTS - agents }, (_, index) => `simulated-${index}`);
}

function keyOf({ env }: ControlServer) {
  return {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
}

/** A revision whose scripts write down that they ran, for which deployment, when and on which host. */
async function storeBundle({ folder, bundleKey }: FleetRequest, server: ControlServer, marks: string): Promise<void> {
  const mark = `echo "$LIFECYCLE_EVENT $DEPLOYMENT_ID $(date +%s%N) $0" >> ${quoteForShell(marks)}`;
  const sourceDir = writeRevision(join(folder, 'revision'), {
    destination: join(folder, 'site'),
    files: { 'index.html': 'swept' },
    scripts: Object.fromEntries(SCRIPTS.map((event) => [event, mark])),
  });
  const bundleFile = join(folder, 'revision.tgz');
  await packBundle({ sourceDir, bundleFile, bundleType: 'tgz' });
  const body = readFileSync(bundleFile);
  const { status } = await rawS3(
    server.s3Url,
    keyOf(server),
  )({ method: 'PUT', target: `/revisions/${bundleKey}`, body });
  if (status !== 200) throw new Error(`the bundle could not be stored: ${status}`);
}
