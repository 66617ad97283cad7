/**
 * The places in which commands run, shared so that nobody takes them all.
 *
 * A deployment group has one: its cleanup file and pointers are shared. An application has three quarters of all, so that stores that
 * trickle to one application's sixteen groups keep no other application waiting. A command that takes long gives its place to others and
 * goes on. A command that may not begin yet waits here, not acknowledged. One that may not even wait stays with the control endpoint, which
 * hands it out again.
 */
import type { Clock } from '../system/clock.ts';

/** Application and deployment group that a command is for. */
export interface PlaceOwner {
  readonly applicationName: string;
  readonly deploymentGroupId: string;
}

export interface Place {
  /** Gives it to the next one. */
  leave(): void;
}

export interface PlaceLimits {
  /** Places of commands that have not taken long yet. */
  readonly places: number;
  readonly placesOfApplication: number;
  /** With those that take long: each may have a process. */
  readonly held: number;
  readonly heldOfApplication: number;
  readonly waiting: number;
  readonly waitingOfApplication: number;
  readonly waitingOfGroup: number;
  /** When a command gives its place to others. */
  readonly longMs: number;
}

/** As many as the official agents run. More than ten seconds is more than most events take. */
export const PLACE_LIMITS: PlaceLimits = {
  places: 16,
  placesOfApplication: 12,
  held: 48,
  heldOfApplication: 36,
  waiting: 96,
  waitingOfApplication: 48,
  waitingOfGroup: 3,
  longMs: 10_000,
};

/** Groups; more than have commands on one host. */
const MAX_REMEMBERED = 256;

export interface Places {
  /**
   * Waits for a place.
   *
   * @param order of two commands of one group that wait, the one with the lower number goes first
   * @returns null: as many wait as may, or the agent stops. The command stays with the control endpoint
   */
  enter(owner: PlaceOwner, order: number): Promise<Place | null>;
  /** Whether the owner may have a place, or wait for one. */
  mayEnter(owner: PlaceOwner): boolean;
  /** Whether a place is free for somebody. */
  readonly hasFree: boolean;
  /** Resolves when one may have become free. */
  freed(): Promise<void>;
  /** Sends away all that wait, and all that come. */
  close(): void;
}

interface Claim {
  readonly owner: PlaceOwner;
  readonly order: number;
  /** When its group last had a place; a count. */
  servedAt: number;
  isLong: boolean;
  readonly decide: (place: Place | null) => void;
}

export function createPlaces(clock: Clock, limits: PlaceLimits = PLACE_LIMITS): Places {
  const taken = new Set<Claim>();
  const timers = new Map<Claim, AbortController>();
  const waiting = new Set<Claim>();
  /** When groups last had a place. */
  const servedAt = new Map<string, number>();
  let served = 0;
  let isClosed = false;
  let changed = Promise.withResolvers<void>();

  const settle = () => {
    for (let next = nextClaim(taken, waiting, limits); next !== null; next = nextClaim(taken, waiting, limits)) {
      waiting.delete(next);
      begin(next);
    }
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const begin = (claim: Claim) => {
    taken.add(claim);
    const ended = new AbortController();
    timers.set(claim, ended);
    void clock.sleep(limits.longMs, ended.signal).then(() => {
      if (ended.signal.aborted) return;
      claim.isLong = true;
      settle();
    });
    claim.decide({
      leave() {
        if (!taken.delete(claim)) return;
        ended.abort();
        timers.delete(claim);
        served += 1;
        noteServed(servedAt, claim.owner, served);
        for (const other of waiting) if (isSameGroup(other, claim.owner)) other.servedAt = served;
        settle();
      },
    });
  };
  const mayEnter = (owner: PlaceOwner) => !isClosed && mayWait(waiting, owner, limits);
  return {
    enter(owner, order) {
      const { promise, resolve } = Promise.withResolvers<Place | null>();
      // One that comes just after its group has had a place must not go before one that has waited meanwhile.
      const last = servedAt.get(owner.deploymentGroupId) ?? 0;
      const claim: Claim = { owner, order, servedAt: last, isLong: false, decide: resolve };
      if (isClosed) return Promise.resolve(null);
      if (mayBegin(taken, claim, limits)) begin(claim);
      else if (mayEnter(owner)) waiting.add(claim);
      else return Promise.resolve(null);
      return promise;
    },
    mayEnter: (owner) => mayEnter(owner) || (!isClosed && mayBegin(taken, { owner }, limits)),
    get hasFree() {
      return !isClosed && hasFree(taken, limits);
    },
    freed: () => changed.promise,
    close() {
      isClosed = true;
      for (const { decide } of waiting) decide(null);
      waiting.clear();
      // What runs is waited for elsewhere; these must not keep the process alive.
      for (const timer of timers.values()) timer.abort();
      settle();
    },
  };
}

function noteServed(servedAt: Map<string, number>, { deploymentGroupId }: PlaceOwner, at: number): void {
  servedAt.delete(deploymentGroupId);
  servedAt.set(deploymentGroupId, at);
  const [longestAgo] = servedAt.keys();
  if (servedAt.size > MAX_REMEMBERED && longestAgo !== undefined) servedAt.delete(longestAgo);
}

function isSameGroup({ owner }: Pick<Claim, 'owner'>, { deploymentGroupId }: PlaceOwner): boolean {
  return owner.deploymentGroupId === deploymentGroupId;
}

function isSameApplication({ owner }: Pick<Claim, 'owner'>, { applicationName }: PlaceOwner): boolean {
  return owner.applicationName === applicationName;
}

function count(claims: Iterable<Claim>, holds: (claim: Claim) => boolean): number {
  let found = 0;
  for (const claim of claims) if (holds(claim)) found += 1;
  return found;
}

function hasFree(taken: ReadonlySet<Claim>, limits: PlaceLimits): boolean {
  return taken.size < limits.held && count(taken, ({ isLong }) => !isLong) < limits.places;
}

/** Whether a place is free, and its group and its application may have it. */
function mayBegin(taken: ReadonlySet<Claim>, { owner }: Pick<Claim, 'owner'>, limits: PlaceLimits): boolean {
  if (!hasFree(taken, limits)) return false;
  if (count(taken, (claim) => isSameGroup(claim, owner)) > 0) return false;
  const held = count(taken, (claim) => isSameApplication(claim, owner));
  const quick = count(taken, (claim) => isSameApplication(claim, owner) && !claim.isLong);
  return held < limits.heldOfApplication && quick < limits.placesOfApplication;
}

function mayWait(waiting: ReadonlySet<Claim>, owner: PlaceOwner, limits: PlaceLimits): boolean {
  return (
    waiting.size < limits.waiting &&
    count(waiting, (claim) => isSameApplication(claim, owner)) < limits.waitingOfApplication &&
    count(waiting, (claim) => isSameGroup(claim, owner)) < limits.waitingOfGroup
  );
}

/** The one whose application has the fewest places; of those the one whose group has not had one for longest; then the oldest. */
function nextClaim(taken: ReadonlySet<Claim>, waiting: ReadonlySet<Claim>, limits: PlaceLimits): Claim | null {
  let next: { readonly claim: Claim; readonly rank: readonly number[] } | null = null;
  for (const claim of waiting) {
    if (!mayBegin(taken, claim, limits)) continue;
    const held = count(taken, (other) => isSameApplication(other, claim.owner));
    const rank = [held, claim.servedAt, claim.order];
    if (next === null || isBefore(rank, next.rank)) next = { claim, rank };
  }
  return next?.claim ?? null;
}

function isBefore(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((value, index) => value !== other[index]);
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? 0);
}
