/**
 * When hosts were last heard of. An idle fleet is heard of all the time, so its notes are written together, once a second. News of a host
 * is written at once.
 */
import type { Clock } from '../../system/clock.ts';
import { findInstanceByArn, type HeardHost, noteHeardOf, noteHeardOfAll } from '../store/instances.ts';
import { type Store, TOGETHER } from '../store/store.ts';

export interface HeardOf {
  /** A host has said something. Resolves when what is new of it is written; whether it was heard of is written later. */
  note(host: HeardHost, agentVersion: string | null): Promise<void>;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

export interface HeardOfContext {
  readonly store: Store;
  readonly clock: Clock;
}

/** How fresh a note is kept. */
const NOTED_MS = 30_000;
/** Notes of this time are written together. */
const GATHERED_MS = 1_000;

export function createHeardOf({ store, clock }: HeardOfContext): HeardOf {
  const closing = new AbortController();
  let ids = new Set<string>();
  let writing: Promise<unknown> = Promise.resolve();

  const writeLater = async () => {
    const heardAtMs = clock.now();
    await clock.sleep(GATHERED_MS, closing.signal);
    const gathered = [...ids];
    ids = new Set();
    for (let at = 0; at < gathered.length; at += TOGETHER.most) {
      const some = gathered.slice(at, at + TOGETHER.most);
      // Lazy, and no error: the next poll of the host notes it again.
      await store.statement((db) => noteHeardOfAll(db, some, heardAtMs), 'lazy').catch(() => undefined);
    }
  };
  return {
    async note(host, agentVersion) {
      const nowMs = clock.now();
      if (host.agent_version !== agentVersion || host.last_polled_at_ms === null) {
        await store.statement((db) => noteHeardOf(db, host.instance_id, agentVersion, nowMs), 'lazy');
        return;
      }
      if (host.last_polled_at_ms >= nowMs - NOTED_MS) return;
      ids.add(host.instance_id);
      if (ids.size === 1) writing = Promise.all([writing, writeLater()]);
    },
    async close() {
      closing.abort();
      await writing;
    },
  };
}

/** The host of a caller: as it was read with the key, or read now. */
export async function hostOf(
  store: Pick<Store, 'db'>,
  caller: { readonly hostArn: string; readonly host?: HeardHost | null },
): Promise<HeardHost | null> {
  return caller.host === undefined ? findInstanceByArn(store.db, caller.hostArn) : caller.host;
}
