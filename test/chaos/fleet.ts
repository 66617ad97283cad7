/** Simulated hosts that speak the wire of agents, know all servers, and fetch what they are told to install. */
import { setTimeout as delay } from 'node:timers/promises';
import { handDrivenHost, type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import { seededRandom } from '../support/random.ts';
import { rawS3 } from '../support/raw-s3.ts';
import { type SimulatedHost, startSimulatedHost } from '../support/server-faults/simulated-host.ts';
import type { Witness } from '../support/server-faults/witness.ts';
import type { ControlServer } from '../support/slipway.ts';
import type { PlannedDeployment } from './plan.ts';

export interface ChaosFleet extends AsyncDisposable {
  readonly names: readonly string[];
  /** Faults that the hosts meet from now on. */
  follow(plan: PlannedDeployment, bundle: StoredBundle): void;
}

export interface StoredBundle {
  readonly key: string;
  readonly content: string;
}

const TRY_AGAIN_MS = 50;
/** Servers that have ended and come back answer within this time; the fetch of a host fails after it. */
const FETCH_TRIES = 600;

export async function startChaosFleet(request: {
  readonly servers: readonly ControlServer[];
  readonly count: number;
  readonly seed: number;
  readonly tag: string;
  readonly witness: Witness;
}): Promise<ChaosFleet> {
  const { servers, count, seed, tag, witness } = request;
  const [first] = servers;
  if (first === undefined) throw new Error('a fleet needs a server');
  const admin = managementClient(first.url, keyOf(first));
  const names = Array.from({ length: count }, (_, index) => `host-${index}`);
  const hosts: SimulatedHost[] = [];
  let met: { readonly plan: PlannedDeployment; readonly bundle: StoredBundle } | null = null;
  for (const [index, name] of names.entries()) {
    const { hostArn, key } = await handDrivenHost(first.url, admin, name, tag);
    // Each server is the first one of some hosts.
    const own = servers.map((server, place) => servers[(place + index) % servers.length] ?? server);
    const options = {
      ...{ name, hostArn, key, witness, random: seededRandom(seed + index) },
      endpoints: own.map(({ url }) => url),
      fails: (_: string, event: string) => met?.plan.failing?.event === event && names[met.plan.failing.host] === name,
      async during(event: string) {
        if (event !== 'DownloadBundle' || met === null) return;
        const why = await fetchBundle(own, key, met.bundle);
        if (why !== null) witness.complain(`${name} could not fetch ${met.bundle.key}: ${why}`);
      },
    };
    hosts.push(startSimulatedHost(options));
  }
  return {
    names,
    follow(plan, bundle) {
      met = { plan, bundle };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
    },
  };
}

/** Stores a bundle at whichever server answers. */
export async function storeBundle(servers: readonly ControlServer[], { key, content }: StoredBundle): Promise<void> {
  const why = await tryServers(servers, async (server) => {
    const send = rawS3(server.s3Url, keyOf(server));
    const { status, text } = await send({ method: 'PUT', target: `/revisions/${key}`, body: content });
    return { status, why: status === 200 ? null : `${status}: ${text}` };
  });
  if (why !== null) throw new Error(`the bundle ${key} could not be stored: ${why}`);
}

/** @returns why it cannot be had, or is another one; null: it is here */
async function fetchBundle(
  servers: readonly ControlServer[],
  key: KeyPair,
  bundle: StoredBundle,
): Promise<string | null> {
  return tryServers(servers, async (server) => {
    const { status, text } = await rawS3(server.s3Url, key)({ method: 'GET', target: `/revisions/${bundle.key}` });
    return { status, why: status === 200 && text === bundle.content ? null : `${status}: ${text}` };
  });
}

/** Asks the servers in turn until one answers that it is neither away nor without its database. */
async function tryServers(
  servers: readonly ControlServer[],
  ask: (server: ControlServer) => Promise<{ readonly status: number; readonly why: string | null }>,
): Promise<string | null> {
  let last = 'there is no server';
  for (let tries = 0; tries < FETCH_TRIES; tries += 1) {
    const server = servers[tries % servers.length];
    if (server === undefined) break;
    try {
      const { status, why } = await ask(server);
      if (status < 500) return why;
      last = why ?? '';
    } catch (error) {
      last = String(error);
    }
    await delay(TRY_AGAIN_MS);
  }
  return last;
}

export function keyOf({ env }: ControlServer): KeyPair {
  return {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
}
