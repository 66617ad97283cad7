/** Readings that go on side by side: those that are slow hold up only others of their kind. */

export interface SideBySide<Kind extends string> {
  /** Begins the work under a key, unless it is under way already. The work must not reject. @returns false: too much of its kind is under way */
  begin(key: string, kind: Kind, work: () => Promise<void>): boolean;
  /** Waits for all that is under way. */
  ended(): Promise<void>;
}

/** @param limits how many of each kind there are at most at a time */
export function sideBySide<Kind extends string>(limits: Readonly<Record<Kind, number>>): SideBySide<Kind> {
  const underWay = new Map<string, { readonly kind: Kind; readonly end: Promise<void> }>();
  return {
    begin(key, kind, work) {
      if (underWay.has(key)) return true;
      const sameKind = [...underWay.values()].filter((other) => other.kind === kind).length;
      if (sameKind >= limits[kind]) return false;
      const end = work().finally(() => underWay.delete(key));
      underWay.set(key, { kind, end });
      return true;
    },
    async ended() {
      await Promise.all([...underWay.values()].map(({ end }) => end));
    },
  };
}
