/** Hands events out to polls. Polls that come together are served together. */
import type { Clock } from '../../system/clock.ts';
import { gathered } from '../../system/gathered.ts';
import { type HandOut, handOutAll, nextReadyEvents } from '../store/hand-outs.ts';
import type { LifecycleEventRow } from '../store/schema.ts';
import { type Store, TOGETHER } from '../store/store.ts';

export interface HandOuts {
  /** The event that a host may begin, unless it was handed out within `redeliveryMs`. */
  readyFor(hostArn: string, redeliveryMs: number): Promise<LifecycleEventRow | null>;
  /** @returns when it was handed out to this poll; null: somebody was faster, or the key has no power */
  take(handOut: HandOut): Promise<number | null>;
}

export interface HandOutsContext {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now'>;
}

export function createHandOuts({ store, clock }: HandOutsContext): HandOuts {
  const readyForAll = (redeliveryMs: number) =>
    gathered({
      ...TOGETHER,
      work: (hostArns: readonly string[]) => nextReadyEvents(store.db, hostArns, clock.now() - redeliveryMs),
    });
  /** Finders by the time in ms after which an event is handed out again; there are two. */
  const byRedelivery = new Map<number, ReturnType<typeof readyForAll>>();
  return {
    readyFor(hostArn, redeliveryMs) {
      const find = byRedelivery.get(redeliveryMs) ?? readyForAll(redeliveryMs);
      byRedelivery.set(redeliveryMs, find);
      return find(hostArn);
    },
    take: gathered({ ...TOGETHER, work: (handOuts: readonly HandOut[]) => takeAll({ store, clock }, handOuts) }),
  };
}

async function takeAll(
  { store, clock }: HandOutsContext,
  handOuts: readonly HandOut[],
): Promise<readonly (number | null)[]> {
  const nowMs = clock.now();
  // Two polls of one host may have seen the same event.
  const first = new Map(handOuts.toReversed().map((handOut) => [handOut.event.host_command_id, handOut]));
  // Lazy: a hand-out that a power cut takes is made again, and the agent knows the command by its identifier.
  const taken = await store.statement((db) => handOutAll(db, [...first.values()], nowMs), 'lazy');
  return handOuts.map((handOut) => {
    const { host_command_id: id } = handOut.event;
    return first.get(id) === handOut && taken.has(id ?? '') ? nowMs : null;
  });
}
