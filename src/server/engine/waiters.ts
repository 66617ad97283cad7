/**
 * Long polls that wait for work, by host. A large fleet waits all the time. So an idle poll is an object and an entry in a map, and has no
 * closure and no signal of its own.
 */
export interface Waiters {
  /** Begun before the look that finds nothing, so that no wake-up falls between the look and the wait. */
  watch(hostArn: string, accessKeyId: string): HostWatch;
  /** Wakes the host's polls, the newest first: of two, the older one may be a connection that nobody reads any more. */
  wake(hostArn: string): void;
  wakeAll(): void;
  /** Lists the waiting hosts and keys, each once. */
  waiting(): readonly WaitingHost[];
  /** How many polls wait. */
  readonly size: number;
}

export interface WaitingHost {
  readonly hostArn: string;
  readonly accessKeyId: string;
}

export interface HostWatch {
  /**
   * Resolves with true at the next wake-up, or at once if there was one since the watch began or the last call. Resolves with false when
   * the watch has ended.
   */
  woken(): Promise<boolean>;
  /** The poll waits no more: its time is over, or its client is gone. */
  end(): void;
  release(): void;
}

export function createWaiters(): Waiters {
  /** The newest watch of each host; it knows the next older one. */
  const newest = new Map<string, Watch>();
  let size = 0;
  const release = (watch: Watch) => {
    const { hostArn } = watch;
    const younger = watchesOf(newest.get(hostArn)).find(({ older }) => older === watch);
    if (younger !== undefined) younger.older = watch.older;
    else if (newest.get(hostArn) !== watch) return;
    else if (watch.older === null) newest.delete(hostArn);
    else newest.set(hostArn, watch.older);
    size -= 1;
  };
  return {
    watch(hostArn, accessKeyId) {
      const watch = new Watch(hostArn, accessKeyId, newest.get(hostArn) ?? null, release);
      newest.set(hostArn, watch);
      size += 1;
      return watch;
    },
    wake(hostArn) {
      for (const watch of watchesOf(newest.get(hostArn))) watch.wake();
    },
    wakeAll() {
      for (const first of newest.values()) for (const watch of watchesOf(first)) watch.wake();
    },
    waiting: () =>
      [...newest].flatMap(([hostArn, first]) =>
        [...new Set(watchesOf(first).map(({ accessKeyId }) => accessKeyId))].map((accessKeyId) => ({
          hostArn,
          accessKeyId,
        })),
      ),
    get size() {
      return size;
    },
  };
}

/** A watch and the older ones of its host. */
function watchesOf(first: Watch | null | undefined): readonly Watch[] {
  const watches: Watch[] = [];
  for (let watch = first ?? null; watch !== null; watch = watch.older) watches.push(watch);
  return watches;
}

class Watch implements HostWatch {
  readonly hostArn: string;
  readonly accessKeyId: string;
  older: Watch | null;
  readonly #release: (watch: Watch) => void;
  #isWoken = false;
  #hasEnded = false;
  /** Wakes the party that waits; null: nobody does. */
  #goOn: ((isWoken: boolean) => void) | null = null;

  constructor(hostArn: string, accessKeyId: string, older: Watch | null, release: (watch: Watch) => void) {
    this.hostArn = hostArn;
    this.accessKeyId = accessKeyId;
    this.older = older;
    this.#release = release;
  }

  wake(): void {
    this.#isWoken = true;
    this.#tell();
  }

  end(): void {
    this.#hasEnded = true;
    this.#tell();
  }

  woken(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#goOn = resolve;
      if (this.#isWoken || this.#hasEnded) this.#tell();
    });
  }

  #tell(): void {
    const goOn = this.#goOn;
    if (goOn === null) return;
    const isWoken = this.#isWoken;
    this.#goOn = null;
    this.#isWoken = false;
    goOn(isWoken);
  }

  release(): void {
    this.#release(this);
  }
}
