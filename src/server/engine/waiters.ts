/** Long polls that wait for work, by host. An idle one costs an entry in a map and nothing else. */
export interface Waiters {
  /** Resolves when the host is woken, the time is over, or the signal aborts; at once if it was woken since `watch` was called. */
  watch(hostArn: string): HostWatch;
  wake(hostArn: string): void;
  wakeAll(): void;
}

/** Begun before the look that finds nothing, so that no wake-up falls between the look and the wait. */
export interface HostWatch {
  wait(ms: number, signal: AbortSignal): Promise<void>;
  release(): void;
}

export function createWaiters(): Waiters {
  const watches = new Map<string, Set<() => void>>();
  return {
    watch(hostArn) {
      let woken = Promise.withResolvers<void>();
      const wake = () => woken.resolve();
      const own = watches.get(hostArn) ?? new Set();
      own.add(wake);
      watches.set(hostArn, own);
      return {
        async wait(ms, signal) {
          const over = Promise.withResolvers<void>();
          const timer = setTimeout(over.resolve, ms);
          signal.addEventListener('abort', over.resolve as () => void, { once: true });
          if (signal.aborted) over.resolve();
          await Promise.race([woken.promise, over.promise]);
          clearTimeout(timer);
          signal.removeEventListener('abort', over.resolve as () => void);
          woken = Promise.withResolvers<void>();
        },
        release() {
          own.delete(wake);
          if (own.size === 0 && watches.get(hostArn) === own) watches.delete(hostArn);
        },
      };
    },
    wake(hostArn) {
      for (const wake of watches.get(hostArn) ?? []) wake();
    },
    wakeAll() {
      for (const own of watches.values()) for (const wake of own) wake();
    },
  };
}
