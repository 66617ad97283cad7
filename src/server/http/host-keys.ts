/**
 * Keys of hosts as they were read a moment ago. They are for operations that find out for themselves whether the key has power, in the
 * statement or the transaction that matters. A host at work calls three times for each event, and a way to the database and back
 * is the larger part of what such a call costs.
 */
import type { Clock } from '../../system/clock.ts';
import type { KnownAccessKey } from '../store/access-keys.ts';

type FindKey = (accessKeyId: string) => Promise<KnownAccessKey | null>;

/** Long enough for an event whose script has little to do, or none. */
const MOMENT_MS = 10_000;
/** Hosts at work that are remembered, the last that came. Each takes about half a kilobyte. */
const MOST = 4_096;

interface Remembered {
  readonly key: KnownAccessKey;
  readonly readAtMs: number;
}

/** @returns a way to find keys that remembers those of hosts that had power */
export function rememberHostKeys(find: FindKey, clock: Pick<Clock, 'now'>): FindKey {
  const known = new Map<string, Remembered>();
  return async (accessKeyId) => {
    const last = known.get(accessKeyId);
    const readAtMs = clock.now();
    if (last !== undefined) {
      const ageMs = readAtMs - last.readAtMs;
      // A clock that was set back says nothing about the age.
      if (ageMs >= 0 && ageMs < MOMENT_MS) return last.key;
      known.delete(accessKeyId);
    }
    const key = await find(accessKeyId);
    if (key === null || key.role !== 'host' || key.powerless !== null) return key;
    known.set(accessKeyId, { key, readAtMs });
    if (known.size > MOST) {
      const [oldest = ''] = known.keys();
      known.delete(oldest);
    }
    return key;
  };
}
