/**
 * Decides which connections have a place, and which must leave when places run out. Pure bookkeeping.
 *
 * A connection is `silent` until its first request head is complete. Then it is `asking` until a request has proved its sender, and `known`
 * from then on. A place comes from the client with most silent connections, which loses its oldest one. When none is silent, the client
 * with most asking ones does. Known ones are never sent away: a fleet behind one address keeps its long polls. An access key has so many
 * known ones; what it opens beyond goes on asking, so that one key alone cannot take all places.
 */
export type Standing = 'silent' | 'asking' | 'known';

export interface Guest {
  readonly client: string;
  standing: Standing;
  /** The access key that a known one has proved; else null. */
  key: string | null;
}

export interface Roster<G extends Guest> {
  readonly size: number;
  /** @returns `refused` when every place is taken by known ones; else the guest who must leave for this one, or null */
  admit(guest: G): 'refused' | G | null;
  /** Notes the end of the first request's head. */
  hear(guest: G): void;
  /** Notes who a guest is, unless the key has as many known ones as it may have. */
  know(guest: G, key: string): void;
  remove(guest: G): void;
  all(): Iterable<G>;
}

export function createRoster<G extends Guest>(limits: {
  readonly connections: number;
  readonly silentPerAddress: number;
  readonly knownPerKey: number;
}): Roster<G> {
  const everybody = new Set<G>();
  const knownByKey = new Map<string, number>();
  const byClient = { silent: new Map<string, Set<G>>(), asking: new Map<string, Set<G>>() };

  const enter = (guest: G) => {
    if (guest.standing === 'known') return;
    const own = byClient[guest.standing];
    const set = own.get(guest.client) ?? new Set();
    own.set(guest.client, set.add(guest));
  };
  const countKnown = (key: string, change: 1 | -1) => {
    const count = (knownByKey.get(key) ?? 0) + change;
    if (count === 0) knownByKey.delete(key);
    else knownByKey.set(key, count);
  };
  const leave = (guest: G) => {
    if (guest.standing === 'known') {
      countKnown(guest.key ?? '', -1);
      return;
    }
    const own = byClient[guest.standing];
    const set = own.get(guest.client);
    set?.delete(guest);
    if (set?.size === 0) own.delete(guest.client);
  };
  const remove = (guest: G) => {
    if (everybody.delete(guest)) leave(guest);
  };
  const oldestOfGreediest = (standing: 'silent' | 'asking'): G | null => {
    let greediest: Set<G> | null = null;
    for (const set of byClient[standing].values()) if (set.size > (greediest?.size ?? 0)) greediest = set;
    return firstOf(greediest);
  };
  const whoMustLeave = (client: string): G | null | 'refused' => {
    const own = byClient.silent.get(client);
    if (own !== undefined && own.size >= limits.silentPerAddress) return firstOf(own);
    if (everybody.size < limits.connections) return null;
    return oldestOfGreediest('silent') ?? oldestOfGreediest('asking') ?? 'refused';
  };

  return {
    get size() {
      return everybody.size;
    },
    admit(guest) {
      const leaving = whoMustLeave(guest.client);
      if (leaving === 'refused') return 'refused';
      if (leaving !== null) remove(leaving);
      everybody.add(guest);
      enter(guest);
      return leaving;
    },
    hear(guest) {
      if (!everybody.has(guest) || guest.standing !== 'silent') return;
      leave(guest);
      guest.standing = 'asking';
      enter(guest);
    },
    know(guest, key) {
      if (!everybody.has(guest) || guest.standing === 'known') return;
      if ((knownByKey.get(key) ?? 0) >= limits.knownPerKey) return;
      leave(guest);
      Object.assign(guest, { standing: 'known', key } satisfies Pick<Guest, 'standing' | 'key'>);
      countKnown(key, 1);
    },
    remove,
    all: () => everybody,
  };
}

function firstOf<T>(set: Set<T> | null): T | null {
  return set?.values().next().value ?? null;
}
