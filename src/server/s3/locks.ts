/** Work on one thing, one after the other; others go on meanwhile. */
export interface Locks {
  /** Does something when everything that was begun before under this name is over, whatever became of it. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Whether anything is under way whose name begins so. */
  isBusy(prefix: string): boolean;
}

export function createLocks(): Locks {
  const last = new Map<string, Promise<unknown>>();
  return {
    async run(name, work) {
      const before = last.get(name);
      const turn = (async () => {
        await before?.catch(() => undefined);
        return work();
      })();
      last.set(name, turn);
      try {
        return await turn;
      } finally {
        if (last.get(name) === turn) last.delete(name);
      }
    },
    isBusy: (prefix) => [...last.keys()].some((name) => name.startsWith(prefix)),
  };
}
