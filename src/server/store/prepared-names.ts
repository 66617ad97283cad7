/**
 * Names for statements that come again, so that PostgreSQL parses and plans each once per connection. Planning takes longer than carrying
 * most of them out. Connections never forget a statement that has a name, so only so many get one.
 */
export interface PreparedNames {
  /** @returns undefined: the statement goes without a name */
  nameOf(sql: string): string | undefined;
  /** All names are new from now on: a table was changed, and PostgreSQL refuses what was planned before. */
  renew(): void;
}

const MOST_NAMES = 300;
/** Statements that came once; more of them are forgotten. */
const MOST_SEEN = 1_000;
/** Beginnings of statements that have a plan; others (`begin`, `commit`) have none. */
const PLANNED = /^(?:select|insert|update|delete|with)\b/;

export function createPreparedNames(): PreparedNames {
  const names = new Map<string, string>();
  const seen = new Set<string>();
  let generation = 0;
  return {
    nameOf(sql) {
      const name = names.get(sql);
      if (name !== undefined) return name;
      if (names.size >= MOST_NAMES || !PLANNED.test(sql)) return undefined;
      if (!seen.has(sql)) {
        if (seen.size >= MOST_SEEN) seen.clear();
        seen.add(sql);
        return undefined;
      }
      seen.delete(sql);
      const made = `s${generation}-${names.size}`;
      names.set(sql, made);
      return made;
    },
    renew() {
      names.clear();
      generation += 1;
    },
  };
}
