/** Long polls that wait for work, by host. An idle one costs an entry in a map and nothing else. */
export interface Waiters {
  /** Begun before the look that finds nothing, so that no wake-up falls between the look and the wait. */
  watch(hostArn: string, accessKeyId: string): HostWatch;
  /** Wakes the host's polls, the newest first: of two, the older one may be a connection that nobody reads any more. */
  wake(hostArn: string): void;
  wakeAll(): void;
  /** Who waits, each host and key once. */
  waiting(): readonly WaitingHost[];
}

export interface WaitingHost {
  readonly hostArn: string;
  readonly accessKeyId: string;
}

export interface HostWatch {
  /** Resolves at the next wake-up; at once if there was one since the watch began or since this was last called. */
  woken(): Promise<void>;
  release(): void;
}

export function createWaiters(): Waiters {
  const watches = new Map<string, Map<() => void, string>>();
  const wakeSet = (wakes: ReadonlyMap<() => void, string> | undefined) => {
    for (const wake of [...(wakes?.keys() ?? [])].reverse()) wake();
  };
  return {
    watch(hostArn, accessKeyId) {
      let next = Promise.withResolvers<void>();
      const wake = () => next.resolve();
      const own = watches.get(hostArn) ?? new Map();
      watches.set(hostArn, own.set(wake, accessKeyId));
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
      wakeSet(watches.get(hostArn));
    },
    wakeAll() {
      for (const own of watches.values()) wakeSet(own);
    },
    waiting: () =>
      [...watches].flatMap(([hostArn, own]) =>
        [...new Set(own.values())].map((accessKeyId) => ({ hostArn, accessKeyId })),
      ),
  };
}
