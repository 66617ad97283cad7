import type { IdLookup } from './types.ts';

/**
 * Gives the same answers, and asks for each once. A name that only LDAP or systemd knows starts a program for each question, and a revision
 * may ask ten thousand times. For one Install and no longer: a script may make a user before the next.
 */
export function rememberedIds(ids: IdLookup): IdLookup {
  return { userId: remembered(ids.userId), groupId: remembered(ids.groupId) };
}

function remembered(look: (name: string) => number | null): (name: string) => number | null {
  const known = new Map<string, number | null>();
  return (name) => {
    const id = known.has(name) ? (known.get(name) ?? null) : look(name);
    known.set(name, id);
    return id;
  };
}
