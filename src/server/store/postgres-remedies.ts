/** Remedies for a PostgreSQL that cannot be used, by its answer. Pure. */
import { systemErrorCode } from '../../errors.ts';

export const POSTGRES_CONNECTIONS_REMEDY =
  'Raise max_connections of PostgreSQL (a restart of it), or end idle sessions: `SELECT pid, application_name, state FROM pg_stat_activity` shows whose they are.';

/** @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_STATE: Readonly<Record<string, (url: string) => string>> = {
  '28P01': (url) =>
    `The password in --database (SLIPWAY_DATABASE) is not that of ${userIn(url)}: correct it, or \`ALTER ROLE ${userIn(url)} PASSWORD '…'\`.`,
  '28000': (url) =>
    `PostgreSQL does not let ${userIn(url)} in: make the role, or allow it in pg_hba.conf. Over a socket with peer authentication ask as the server’s own user.`,
  '3D000': (url) => `Make the database: \`createdb --owner ${userIn(url)} ${databaseIn(url)}\`; or correct its name.`,
  '53300': () => `PostgreSQL has no connection left. ${POSTGRES_CONNECTIONS_REMEDY}`,
  '57P03': () => 'PostgreSQL is starting or recovering: ask again in a minute, and look into its log if it stays so.',
  '42501': (url) => `Grant ${userIn(url)} its rights on the tables of Slipway; the user that made them owns them.`,
  '53100': () => 'The disk of PostgreSQL is full: make room there.',
};

/** @param url as the server has it */
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

function hostIn(url: string): { readonly host: string; readonly isSocket: boolean } {
  const parsed = URL.parse(url);
  const host = parsed?.searchParams.get('host') ?? parsed?.hostname ?? '';
  return { host, isSocket: host.startsWith('/') || host.startsWith('%2F') };
}

/** The user that an address names. */
export function userIn(url: string): string {
  return decodeURIComponent(URL.parse(url)?.username ?? '') || 'its user';
}

function databaseIn(url: string): string {
  return URL.parse(url)?.pathname.slice(1) || 'slipway';
}
