/** Says that there may be something to do: to all who listen now, and to nobody later. */
export interface Bell {
  ring(): void;
  /** Aborted at the next ring. */
  next(): AbortSignal;
}

export function createBell(): Bell {
  let current = new AbortController();
  return {
    ring() {
      const rung = current;
      current = new AbortController();
      rung.abort();
    },
    next: () => current.signal,
  };
}
