/** Judges an event by the answers of its target's load balancers: wait, done, or failed by name. Pure. */
import type { AllowState, BalancerErrorCode, BlockState, CallRecord } from '../outside/load-balancer.ts';
import type { Progress } from './order.ts';

/** One balancer's answer to one call. */
export interface TrafficLook extends CallRecord {
  /** The balancer's name. */
  readonly name: string;
  readonly result:
    | { readonly state: BlockState | AllowState }
    | { readonly fault: BalancerErrorCode; readonly isFinal: boolean };
  /** Memory that the balancer gets in the next calls; absent: none, or its call has failed. */
  readonly memory?: unknown;
}

/** Memory of an order from one call to the next. */
export interface TrafficMemory {
  /** Since when one call after another has failed, and how many; null: the last one did not. */
  readonly failing: { readonly sinceMs: number; readonly calls: number } | null;
  /**
   * Times, by balancer, from which on the host gets no new requests. The time for its open requests counts from there, not from an earlier
   * wait for its turn.
   */
  readonly drainingSinceMs: Readonly<Record<string, number>>;
  /** Memories that balancers get in the next calls, by their names. */
  readonly ofBalancers: Readonly<Record<string, unknown>>;
  /** The host's tags when it was first asked about, by their keys: they say which server of a balancer it is. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Balancers that have begun to take the host out, or may have; absent: none. */
  readonly leaving?: readonly string[];
}

export const NO_MEMORY: TrafficMemory = { failing: null, drainingSinceMs: {}, ofBalancers: {} };

/** An event's limit in the hosted service, a little before the engine's own, so that the event says what it waited for. */
export const TRAFFIC_LIMIT_MS = 60 * 60_000;
/**
 * Limit on a balancer that only fails, in ms. The calls must be several as well, because a server that was down for an hour has not asked.
 */
export const FAILING_LIMIT_MS = 5 * 60_000;
const FAILING_CALLS = 5;

const DONE: readonly string[] = ['out', 'absent', 'healthy'];

/**
 * @param looks of all balancers of the target, in the order in which the group names them
 * @param ageMs how old the order is
 * @param isDrainOver requests that have not ended were waited for no longer
 */
export function progressOf(
  looks: readonly TrafficLook[],
  memory: TrafficMemory,
  { nowMs, ageMs, isDrainOver }: { readonly nowMs: number; readonly ageMs: number; readonly isDrainOver: boolean },
): Progress & { readonly memory: TrafficMemory } {
  if (looks.length === 0) {
    const message = 'MISSING_ELB_INFORMATION: The deployment group names no load balancer.';
    return { memory: NO_MEMORY, lastCall: null, lastAnswer: null, ending: 'Failed', message };
  }
  const faulty = looks.find(({ result }) => 'fault' in result && result.isFinal) ?? looks.find(isFaulty);
  const waiting = looks.find(({ result }) => 'state' in result && !DONE.includes(result.state));
  const telling = faulty ?? waiting ?? looks.at(-1);
  const failing = faulty === undefined ? null : failingOf(memory, nowMs);
  const standing = {
    memory: {
      failing,
      drainingSinceMs: drainingOf(looks, memory, nowMs),
      ofBalancers: memoriesOf(looks, memory),
      ...(memory.tags === undefined ? {} : { tags: memory.tags }),
      ...leavingOf(looks, memory),
    } satisfies TrafficMemory,
    lastCall: telling === undefined ? null : `${telling.name}: ${telling.call}`,
    lastAnswer: telling?.answer ?? null,
  };
  if (faulty !== undefined && 'fault' in faulty.result) {
    const { fault, isFinal } = faulty.result;
    const isGivenUp = failing !== null && failing.calls >= FAILING_CALLS && nowMs - failing.sinceMs >= FAILING_LIMIT_MS;
    if (isFinal || isGivenUp || ageMs >= TRAFFIC_LIMIT_MS) {
      const tries = isFinal ? '' : ` It was asked ${failing?.calls ?? 1} times in vain.`;
      return { ...standing, ending: 'Failed', message: `${fault}: ${said(faulty)}${tries}` };
    }
  } else if (waiting === undefined) {
    const late = isDrainOver ? ' (the time for requests to end was over)' : '';
    return { ...standing, ending: 'Succeeded', message: looks.map((look) => said(look)).join('\n') + late };
  } else if (ageMs >= TRAFFIC_LIMIT_MS) {
    const message = `The load balancer did not come to the wanted state within an hour. ${said(waiting)}`;
    return { ...standing, ending: 'Failed', message };
  }
  return { ...standing, ending: 'later', inMs: nextLookMs(ageMs, failing?.calls ?? 0) };
}

/** A call that has failed may have done what it was to do, unless it never can. */
function leavingOf(looks: readonly TrafficLook[], { leaving = [] }: TrafficMemory): Pick<TrafficMemory, 'leaving'> {
  const names = looks.filter(({ name, result }) => {
    if ('fault' in result) return leaving.includes(name) || !result.isFinal;
    return result.state === 'draining' || result.state === 'out';
  });
  return names.length === 0 ? {} : { leaving: names.map(({ name }) => name) };
}

function isFaulty({ result }: TrafficLook): boolean {
  return 'fault' in result;
}

function failingOf({ failing }: TrafficMemory, nowMs: number) {
  return failing === null ? { sinceMs: nowMs, calls: 1 } : { ...failing, calls: failing.calls + 1 };
}

/** A call that has failed says nothing about it. */
function drainingOf(looks: readonly TrafficLook[], { drainingSinceMs }: TrafficMemory, nowMs: number) {
  const since = looks.flatMap(({ name, result }): [string, number][] => {
    const known = drainingSinceMs[name];
    if ('state' in result) return result.state === 'draining' ? [[name, known ?? nowMs]] : [];
    return known === undefined ? [] : [[name, known]];
  });
  return Object.fromEntries(since);
}

/** A call that has failed has forgotten nothing. */
function memoriesOf(looks: readonly TrafficLook[], { ofBalancers }: TrafficMemory): Readonly<Record<string, unknown>> {
  const known = looks.flatMap((look): [string, unknown][] => {
    const memory = isFaulty(look) ? ofBalancers[look.name] : look.memory;
    return memory === undefined ? [] : [[look.name, memory]];
  });
  return Object.fromEntries(known);
}

export function said({ name, call, answer }: TrafficLook): string {
  return `The last call to the load balancer ${name} was: ${call}. The answer: ${answer}.`;
}

/**
 * When to look again: soon at first, since most balancers need a moment, and less often the longer it takes.
 *
 * @param failures calls that failed in a row
 * @returns milliseconds, 500..15 000
 */
export function nextLookMs(ageMs: number, failures: number): number {
  if (failures > 0) return Math.min(15_000, 500 * 2 ** Math.min(failures, 5));
  return Math.min(5_000, Math.max(500, Math.floor(ageMs / 20)));
}
