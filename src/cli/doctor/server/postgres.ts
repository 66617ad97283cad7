/** What is wrong with a server's PostgreSQL, by what it answers. */
import { systemErrorCode } from '../../../errors.ts';
import { factsOfPostgres, type LookedAtStore, type PostgresFacts } from '../../../server/store/look.ts';
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
  return [warn(CHECK, detail, `A server takes up to ${NEEDED_CONNECTIONS}. ${OF_CONNECTIONS}`), clock];
}

const OF_CONNECTIONS =
  'Raise max_connections of PostgreSQL (a restart of it), or end idle sessions: `SELECT pid, application_name, state FROM pg_stat_activity` shows whose they are.';

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: Readonly<Record<string, (url: string) => string>> = {
  '28P01': (url) =>
    `The password in --database (SLIPWAY_DATABASE) is not that of ${userIn(url)}: correct it, or \`ALTER ROLE ${userIn(url)} PASSWORD '…'\`.`,
  '28000': (url) =>
    `PostgreSQL does not let ${userIn(url)} in: make the role, or allow it in pg_hba.conf. Over a socket with peer authentication ask as the server’s own user.`,
  '3D000': (url) => `Make the database: \`createdb --owner ${userIn(url)} ${databaseIn(url)}\`; or correct its name.`,
  '53300': () => `PostgreSQL has no connection left. ${OF_CONNECTIONS}`,
  '57P03': () => 'PostgreSQL is starting or recovering: ask again in a minute, and look into its log if it stays so.',
  '42501': (url) => `Grant ${userIn(url)} its rights on the tables of Slipway; the user that made them owns them.`,
  '53100': () => 'The disk of PostgreSQL is full: make room there.',
};

export function remedyOfPostgres(cause: unknown, url: string): string {
  const error = cause instanceof AggregateError ? cause.errors[0] : cause;
  const code = systemErrorCode(error) ?? '';
  const ofState = Object.hasOwn(BY_STATE, code) ? BY_STATE[code] : undefined;
  if (ofState !== undefined) return ofState(url);
  const message = error instanceof Error ? error.message : '';
  const { host, isSocket } = hostIn(url);
  if (code === 'ENOENT' || (code === 'ECONNREFUSED' && isSocket)) {
    return `No PostgreSQL has its socket in ${host}: start it, or correct the host in --database (SLIPWAY_DATABASE).`;
  }
  if (code === 'ECONNREFUSED') {
    return `Nothing listens there: start PostgreSQL, check listen_addresses of it, and host and port in --database (SLIPWAY_DATABASE).`;
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `Make ${host} resolvable (DNS or /etc/hosts), or correct it in --database (SLIPWAY_DATABASE).`;
  }
  if (/does not support SSL/.test(message))
    return 'PostgreSQL speaks no TLS there: take sslmode out of the address, or set `ssl = on` in PostgreSQL.';
  if (/certificate/.test(message) || /CERT|SELF_SIGNED|UNABLE_TO/.test(code)) {
    return 'Name the authority of PostgreSQL’s certificate: `sslrootcert=FILE` in the address, or NODE_EXTRA_CA_CERTS in the server’s environment.';
  }
  if (/password must be a string|no password/i.test(message)) {
    return `PostgreSQL asks for a password, and --database (SLIPWAY_DATABASE) has none for ${userIn(url)}: write it into the address.`;
  }
  if (/timeout|no answer|terminated/i.test(message) || /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(code)) {
    return `Nothing answers in time: look whether PostgreSQL hangs, and at firewalls and routes on the way to ${host}.`;
  }
  if (/Invalid URL/.test(message)) return 'Write --database as postgres://USER:PASSWORD@HOST:PORT/DATABASE.';
  return 'Read what PostgreSQL says, and its log; check the address in --database (SLIPWAY_DATABASE).';
}

/** The address without its password. */
export function shownAddress(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return 'the database of --database';
  parsed.password = '';
  parsed.searchParams.delete('password');
  return parsed.href;
}

function hostIn(url: string): { readonly host: string; readonly isSocket: boolean } {
  const parsed = URL.parse(url);
  const host = parsed?.searchParams.get('host') ?? parsed?.hostname ?? '';
  return { host, isSocket: host.startsWith('/') || host.startsWith('%2F') };
}

function userIn(url: string): string {
  return decodeURIComponent(URL.parse(url)?.username ?? '') || 'its user';
}

function databaseIn(url: string): string {
  return URL.parse(url)?.pathname.slice(1) || 'slipway';
}
