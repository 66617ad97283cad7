/**
 * An upstream of nginx, the open source one: a file of servers that is rewritten, and a reload.
 *
 * A reload returns before the new workers serve, and old ones go on until their requests have ended. So a change is done when all workers
 * from before it are gone: the file names them. The probe says whether a host is healthy, because nginx has no checks of its own.
 */
import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../../errors.ts';
import { writeFileDurablyAsync } from '../../system/durable-file.ts';
import { takeInstanceLock } from '../../system/instance-lock.ts';
import { commandLineOf, mayStillRun, runningProcesses, startTimeOf } from '../../system/processes.ts';
import { fillTemplate } from './host-template.ts';
import { type BalancedHost, BalancerFault, type LoadBalancer, wrongConfiguration } from './load-balancer.ts';
import {
  isAddress,
  parseUpstream,
  renderUpstream,
  stateOf,
  type Upstream,
  type Wish,
  type Worker,
  withWish,
} from './nginx-upstream.ts';
import { type ProbeSettings, probe } from './probe.ts';
import { runProgram } from './run-program.ts';
import { createTurns } from './turns.ts';

export interface NginxSettings {
  /** The file that the upstream includes; nobody else writes to it. */
  readonly upstreamFile: string;
  readonly pidFile: string;
  /** Template of the server's address in the file. */
  readonly address: string;
  readonly testCommand: readonly string[];
  readonly reloadCommand: readonly string[];
  readonly drainLimitMs: number;
  readonly isForced: boolean;
  readonly probe: ProbeSettings | null;
}

export function createNginx(settings: NginxSettings): LoadBalancer {
  const { upstreamFile } = settings;
  const inTurn = createTurns();
  // Wishes that wait for their turns are carried out together: one reload for a whole wave of hosts.
  const waiting = new Map<string, Wish>();

  const addressOf = (host: BalancedHost): string => {
    const address = fillTemplate(settings.address, host);
    if (isAddress(address)) return address;
    throw wrongConfiguration(`address of ${host.name}`, `'${address}' is no address`, 'ELB_INVALID_INSTANCE');
  };
  const put = async (wishes: readonly Wish[], signal: AbortSignal): Promise<Upstream> => {
    const text = readUpstream(upstreamFile);
    const now = parseUpstream(text);
    const wanted = wishes.reduce((one, wish) => withWish(one, wish, settings.isForced), now);
    if (wanted === now) {
      // Told before, perhaps by a server that died before the reload.
      const isReloaded = now.before.every((worker) => !isThere(worker) || isLeaving(worker));
      if (!isReloaded) await reload(settings, signal);
      return now;
    }
    const changed = { ...wanted, before: [...now.before.filter(isThere), ...workersOf(settings.pidFile)] };
    await writeFileDurablyAsync(upstreamFile, renderUpstream(changed));
    const test = await runProgram(settings.testCommand, signal);
    if (test.exitCode !== 0) {
      await writeFileDurablyAsync(upstreamFile, text);
      throw new BalancerFault({ call: test.call, answer: test.said });
    }
    await reload(settings, signal);
    return changed;
  };
  const carryOut = (wish: Wish, signal: AbortSignal): Promise<Upstream> => {
    waiting.set(wish.address, wish);
    return inTurn(async () => {
      const wishes = [...waiting.values()].filter((one) => one.address !== wish.address);
      waiting.clear();
      return withLock(upstreamFile, () => put([wish, ...wishes], signal));
    });
  };
  const call = (address: string, isDown: boolean) => `server ${address}${isDown ? ' down' : ''} in ${upstreamFile}`;

  return {
    drainLimitMs: settings.drainLimitMs,
    async block(host, { isDrainOver, signal }) {
      const address = addressOf(host);
      const record = { call: call(address, true) };
      const upstream = await carryOut({ address, isDown: true }, signal);
      const state = stateOf(upstream, address);
      if (state === 'absent') return { state: 'absent', ...record, answer: 'the file does not have it' };
      if (state === 'only') {
        throw wrongConfiguration(record.call, 'not made: it is the only server there; force: true takes it out');
      }
      if (state !== 'down') return { state: 'waiting', ...record, answer: 'not made: no other server is up' };
      const left = upstream.before.filter(isThere);
      if (left.length === 0) return { state: 'out', ...record, answer: 'all workers from before are gone' };
      const answer = `workers from before still serve: ${left.map(({ pid }) => pid).join(', ')}`;
      return { state: isDrainOver && left.every(isLeaving) ? 'out' : 'draining', ...record, answer };
    },
    async allow(host, { signal }) {
      const address = addressOf(host);
      if (settings.probe !== null) {
        const { isGood, ...probed } = await probe(settings.probe, host, signal);
        if (!isGood) return { state: 'unhealthy', ...probed };
      }
      const upstream = await carryOut({ address, isDown: false }, signal);
      const isReloaded = upstream.before.every((worker) => !isThere(worker) || isLeaving(worker));
      const record = { call: call(address, false), answer: isReloaded ? 'reloaded' : 'not reloaded yet' };
      return { state: isReloaded ? 'healthy' : 'joining', ...record };
    },
  };
}

function readUpstream(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new BalancerFault({ call: `read ${file}`, answer: messageOf(cause) }, { cause });
  }
}

async function reload({ reloadCommand }: NginxSettings, signal: AbortSignal): Promise<void> {
  const { call, exitCode, said } = await runProgram(reloadCommand, signal);
  if (exitCode !== 0) throw new BalancerFault({ call, answer: said });
}

/** The workers that serve now. */
function workersOf(pidFile: string): readonly Worker[] {
  let master: number;
  try {
    master = Number(readFileSync(pidFile, 'utf8').trim());
  } catch (cause) {
    throw new BalancerFault({ call: `read ${pidFile}`, answer: messageOf(cause) }, { cause });
  }
  if (!Number.isInteger(master) || master < 2 || startTimeOf(master) === null) {
    throw new BalancerFault({ call: `read ${pidFile}`, answer: 'nginx does not run' });
  }
  return runningProcesses().filter(({ parent }) => parent === master);
}

function isThere({ pid, startTime }: Worker): boolean {
  return mayStillRun(pid, startTime);
}

/** Whether a worker takes no new connections, since a reload. */
function isLeaving({ pid }: Worker): boolean {
  return commandLineOf(pid).includes('shutting down');
}

/** Servers on one machine that share a file change it one after another. */
async function withLock<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  const taken = (pid: number) =>
    new SlipwayError('SERVER_ALREADY_RUNNING', `process ${pid} changes ${file} at this moment`, {
      remedy: `Wait: servers that share the file change it one after another. If this stays, see what process ${pid} waits for.`,
    });
  let lock: ReturnType<typeof takeInstanceLock>;
  try {
    lock = takeInstanceLock(`${file}.lock`, taken);
  } catch (cause) {
    throw new BalancerFault({ call: `lock ${file}`, answer: messageOf(cause) }, { cause });
  }
  try {
    return await work();
  } finally {
    lock.release();
  }
}
