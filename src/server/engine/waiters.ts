/** Long polls that wait for work, by host. An idle one costs an entry in a map and nothing else. */
export interface Waiters {
  /** Begun before the look that finds nothing, so that no wake-up falls between the look and the wait. */
  watch(hostArn: string): HostWatch;
  /** Wakes the host's polls, the newest first: of two, the older one may be a connection that nobody reads any more. */
  wake(hostArn: string): void;
  wakeAll(): void;
}

export interface HostWatch {
  /** Resolves at the next wake-up; at once if there was one since the watch began or since this was last called. */
  woken(): Promise<void>;
  release(): void;
}

export function createWaiters(): Waiters {
  const watches = new Map<string, Set<() => void>>();
  const wakeSet = (wakes: Iterable<() => void>) => {
    for (const wake of [...wakes].reverse()) wake();
  };
  return {
    watch(hostArn) {
      let next = Promise.withResolvers<void>();
      const wake = () => next.resolve();
      const own = watches.get(hostArn) ?? new Set();
      watches.set(hostArn, own.add(wake));
      return {
        async woken() {
          await next.promise;
          next = Promise.withResolvers<void>();
        },
        release() {
          own.delete(wake);
          if (own.size === 0 && watches.get(hostArn) === own) watches.delete(hostArn);
        },
      };
    },
    wake(hostArn) {
      wakeSet(watches.get(hostArn) ?? []);
    },
    wakeAll() {
      for (const own of watches.values()) wakeSet(own);
    },
  };
}
