/**
 * A backend of HAProxy, by its runtime API.
 *
 * A host leaves by `drain`, which sends no new requests to it, and when none is left by `maint`, which also stops its checks. `maint` at once
 * would cut requests off. It comes back by `ready`, and counts as healthy when HAProxy's own check says so: for up to one interval it is
 * `UP 1/2`, on trust. Hence the probe before `ready`.
 */
import type { NetConnectOpts } from 'node:net';
import { askHaproxy } from './haproxy-socket.ts';
import {
  type AdminState,
  type HaproxyServer,
  isConfirmed,
  parseAdminStates,
  parseStat,
  takesRequests,
} from './haproxy-state.ts';
import { fillTemplate } from './host-template.ts';
import {
  type AllowLook,
  BalancerFault,
  type BlockHow,
  type BlockLook,
  type LoadBalancer,
  wrongConfiguration,
} from './load-balancer.ts';
import { type ProbeSettings, probe } from './probe.ts';
import { createTurns } from './turns.ts';

export interface HaproxySettings {
  readonly place: NetConnectOpts;
  readonly backend: string;
  /** Template of the server's name in the backend. */
  readonly server: string;
  readonly drainLimitMs: number;
  /** Also the last server that is up may be taken out. */
  readonly isForced: boolean;
  readonly probe: ProbeSettings | null;
}

interface Backend {
  readonly own: HaproxyServer;
  readonly told: AdminState;
  readonly isOnly: boolean;
  readonly isAnotherUp: boolean;
}

/** A restart forgets all states: the host would get requests again for so long at most. */
const REASSERT_MS = 3_000;

export function createHaproxy(settings: HaproxySettings): LoadBalancer {
  const { backend, place } = settings;
  // Two hosts of one backend must not each take the other for the one that stays.
  const inTurn = createTurns();

  const look = async (server: string, signal: AbortSignal): Promise<Backend> => {
    const stat = `show stat ${backend} 4 -1`;
    const text = await askHaproxy(place, stat, signal);
    const servers = parseStat(text, backend);
    if (servers === null) throw new BalancerFault({ call: stat, answer: text.trim().slice(0, 200) || 'nothing' });
    const states = `show servers state ${backend}`;
    const told = parseAdminStates(await askHaproxy(place, states, signal))?.get(server);
    const own = servers.find(({ name }) => name === server);
    if (own === undefined || told === undefined) {
      throw wrongConfiguration(stat, `there is no server ${backend}/${server}`, 'ELB_INVALID_INSTANCE');
    }
    const others = servers.filter((one) => one !== own);
    return { own, told, isOnly: others.length === 0, isAnotherUp: others.some(takesRequests) };
  };
  /** The answer of a command that has done what it says is an empty line. */
  const tell = async (command: string, signal: AbortSignal): Promise<void> => {
    const answer = (await askHaproxy(place, command, signal)).trim();
    if (answer !== '') throw new BalancerFault({ call: command, answer });
  };
  const setState = (server: string, state: AdminState, signal: AbortSignal) =>
    tell(`set server ${backend}/${server} state ${state}`, signal);

  const drain = async (server: string, seen: Backend, signal: AbortSignal): Promise<BlockLook> => {
    const call = `set server ${backend}/${server} state drain`;
    const mayGo = (now: Backend) => settings.isForced || now.isAnotherUp;
    const stays = { state: 'waiting', call, answer: 'not made: no other server of the backend is up' } as const;
    if (takesRequests(seen.own) && !mayGo(seen)) {
      if (!seen.isOnly) return stays;
      throw wrongConfiguration(call, 'not made: it is the only server of the backend; force: true takes it out');
    }
    await setState(server, 'drain', signal);
    if (!mayGo(await look(server, signal)) && takesRequests(seen.own)) {
      // Another one has gone at the same moment, told by somebody else.
      await setState(server, 'ready', signal);
      return stays;
    }
    return { state: 'draining', call, answer: 'done' };
  };

  const leave = async (server: string, seen: Backend, { isDrainOver, signal }: BlockHow): Promise<BlockLook> => {
    const { served } = seen.own;
    if (served > 0 && !isDrainOver) {
      return { state: 'draining', call: `show stat ${backend} 4 -1`, answer: `${server} still serves ${served}` };
    }
    const call = `set server ${backend}/${server} state maint`;
    await setState(server, 'maint', signal);
    if (served > 0) await tell(`shutdown sessions server ${backend}/${server}`, signal);
    const { told } = await look(server, signal);
    const left = served > 0 ? `, ${served} requests were cut off` : '';
    return { state: told === 'maint' ? 'out' : 'draining', call, answer: `${told}${left}` };
  };

  return {
    drainLimitMs: settings.drainLimitMs,
    reassertMs: REASSERT_MS,
    async block(host, how) {
      const server = fillTemplate(settings.server, host);
      return inTurn(async () => {
        const seen = await look(server, how.signal);
        if (seen.told === 'maint') return { state: 'out', call: `show servers state ${backend}`, answer: 'maint' };
        return seen.told === 'drain' ? leave(server, seen, how) : drain(server, seen, how.signal);
      });
    },
    async allow(host, { signal }): Promise<AllowLook> {
      const server = fillTemplate(settings.server, host);
      const before = await look(server, signal);
      if (before.told !== 'ready') {
        const probed = settings.probe === null ? null : await probe(settings.probe, host, signal);
        if (probed !== null && !probed.isGood) return { state: 'unhealthy', call: probed.call, answer: probed.answer };
        await setState(server, 'ready', signal);
      }
      const { own, told } = await look(server, signal);
      const answer = [own.status, own.check].filter((word) => word !== '').join(', ');
      const isDown = own.status.startsWith('DOWN');
      const state = told === 'ready' && isConfirmed(own) ? 'healthy' : isDown ? 'unhealthy' : 'joining';
      return { state, call: `set server ${backend}/${server} state ready`, answer };
    },
  };
}
