/** Faults of a server's PostgreSQL, by its answers. */

import { factsOfPostgres, type LookedAtStore, type PostgresFacts } from '../../../server/store/look.ts';
import { POSTGRES_CONNECTIONS_REMEDY, userIn } from '../../../server/store/postgres-remedies.ts';
import { type Finding, fail, ok, warn } from '../check.ts';
import { judgeSkew } from '../clock-skew.ts';

const CHECK = 'database';
/** docs/server.md: the oldest that is supported. */
const OLDEST = 150_000;
/** One server holds up to ten connections and listens with one. */
const NEEDED_CONNECTIONS = 11;
/** A transaction of Slipway's takes milliseconds. */
const LONG_WAIT_MS = 5_000;

export async function judgePostgres(store: LookedAtStore, url: string): Promise<readonly Finding[]> {
  const begunAtMs = Date.now();
  const facts = await factsOfPostgres(store);
  // It was read somewhere between the two.
  return judgeFacts(facts, { url, step: store.step, nowMs: (begunAtMs + Date.now()) / 2 });
}

/** @param step of the migrations; null: it has no tables of Slipway. Pure */
export function judgeFacts(
  facts: PostgresFacts,
  { url, step, nowMs }: { readonly url: string; readonly step: number | null; readonly nowMs: number },
): readonly Finding[] {
  const { version, isStandby, maxConnections, usedConnections, mayCreate, blocked } = facts;
  const where = shownAddress(url);
  const number = `${Math.floor(version / 10_000)}.${version % 10_000}`;
  const clock = judgeSkew(nowMs - facts.nowMs, 'the PostgreSQL server’s');
  if (version < OLDEST) {
    const remedy = `Upgrade it to ${OLDEST / 10_000} or newer (\`pg_upgrade\`), or name another server with --database.`;
    return [fail(CHECK, `${where} is PostgreSQL ${number}, which is too old`, remedy), clock];
  }
  if (isStandby) {
    const remedy = 'Name the primary in --database, or promote this one if it is to take over (`pg_ctl promote`).';
    return [fail(CHECK, `${where} is a standby, which takes no writes`, remedy), clock];
  }
  if (step === null && !mayCreate) {
    const remedy = `Let the user make tables: \`GRANT CREATE, USAGE ON SCHEMA public TO ${userIn(url)}\` in that database.`;
    return [fail(CHECK, `${where} does not let its user make tables`, remedy), clock];
  }
  const [first] = blocked;
  if (first !== undefined && first.waitingMs > LONG_WAIT_MS) {
    const detail = `the server waits for ${Math.round(first.waitingMs / 1000)} s for a lock that ${first.byWhom} holds (backend ${first.by})`;
    const remedy = `End that session’s transaction, or the session: \`SELECT pg_terminate_backend(${first.by})\`.`;
    return [fail(CHECK, detail, remedy), clock];
  }
  const left = maxConnections - usedConnections;
  const detail = `${where} is PostgreSQL ${number}, with ${usedConnections} of ${maxConnections} connections in use`;
  if (left >= NEEDED_CONNECTIONS) return [ok(CHECK, detail), clock];
  return [warn(CHECK, detail, `A server takes up to ${NEEDED_CONNECTIONS}. ${POSTGRES_CONNECTIONS_REMEDY}`), clock];
}

/** The address without its password. */
export function shownAddress(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return 'the database of --database';
  parsed.password = '';
  parsed.searchParams.delete('password');
  return parsed.href;
}
