import { setImmediate } from 'node:timers/promises';

export interface Gathering<Item, Result> {
  /** Items that are done together at most. */
  readonly most: number;
  /** @returns a result for each item, in the same order */
  work(items: readonly Item[]): Promise<readonly Result[]>;
  /** Whether an error has nothing to do with the items, so that doing each of them alone is in vain. */
  isOfAll(error: unknown): boolean;
}

/** Groups under way at once. One that waits for a lock holds up nobody who comes later, and there are enough left to gather. */
const LANES = 4;

/**
 * Gathers the items that come while work is under way, and does them together. A hundred questions to a database cost about as much as one.
 * An item that comes when nothing is under way begins at once.
 *
 * An item that fails spoils no other: after an error each item of its group is done alone.
 */
export function gathered<Item, Result>(gathering: Gathering<Item, Result>): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let lanes = 0;

  const run = async () => {
    // Whoever comes in the same turn of the event loop goes along. Alone, nobody waits for others who may not come.
    if (lanes > 1) await setImmediate();
    while (waiting.length > 0) await doTogether(gathering, waiting.splice(0, gathering.most));
    lanes -= 1;
  };

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    waiting.push({ item, resolve, reject });
    if (lanes < LANES && waiting.length === 1) {
      lanes += 1;
      void run();
    }
    return promise;
  };
}

interface Waiting<Item, Result> {
  readonly item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

async function doTogether<Item, Result>(
  gathering: Gathering<Item, Result>,
  group: readonly Waiting<Item, Result>[],
): Promise<void> {
  try {
    const results = await gathering.work(group.map(({ item }) => item));
    // As many results as items is what `work` promises.
    group.forEach(({ resolve }, at) => void resolve(results[at] as Result));
  } catch (error) {
    if (group.length === 1 || gathering.isOfAll(error)) for (const { reject } of group) reject(error);
    else for (const one of group) await doTogether(gathering, [one]);
  }
}
