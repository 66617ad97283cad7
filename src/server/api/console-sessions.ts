/**
 * Sessions of people who work in the console. A session has the power of the key that made it, and never more. People whom an OpenID Connect
 * provider has signed in have a row among the keys, with the role and the limits of their claims.
 */
import { createHash } from 'node:crypto';
import { ApiError } from '../../protocol/errors.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { shellWord } from '../../system/shell-word.ts';
import { auditEntryOf } from '../audit/audited-call.ts';
import type { SecretSealer } from '../store/access-keys.ts';
import { insertAuditEntry } from '../store/audit-entries.ts';
import {
  endConsoleSession,
  endConsoleSessionsOf,
  endOldestConsoleSessionsOf,
  findConsoleSession,
  insertConsoleSession,
} from '../store/console-sessions.ts';
import { idOfPerson, type Kept, type KnownPerson, savePerson } from '../store/people.ts';
import { lockPower } from '../store/powers.ts';
import type { ConsoleSessionRow } from '../store/schema.ts';
import type { Store, StoreTransaction } from '../store/store.ts';
import type { Caller } from './context.ts';

export interface SessionContext {
  readonly store: Pick<Store, 'db' | 'transaction'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Pick<Random, 'bytes'>;
}

/** Long enough for a day's work. */
export const SESSION_MS = 12 * 60 * 60_000;
const TOKEN_BYTES = 32;
/** Open sessions of one key or person; more than anybody has browsers, and few enough to count. */
export const MOST_SESSIONS = 20;

export interface NewSession {
  /** Secret of the session, which the browser keeps in a cookie. */
  readonly token: string;
  readonly expiresAtMs: number;
}

/** A session that a cookie names. */
export interface OpenSession {
  readonly sessionSha256: string;
  readonly accessKeyId: string;
  readonly expiresAtMs: number;
  /** Whom a provider has signed in; null: an access key has made the session. */
  readonly person: { readonly issuer: string; readonly name: string } | null;
}

/** Somebody whom an OpenID Connect provider has signed in, with what the claims give. */
export interface SignedInPerson extends Omit<KnownPerson, 'accessKeyId'> {
  readonly subject: string;
}

interface SignIn {
  /** Text that no two sign-ins have in common: it makes one session only. */
  readonly once: string;
  /** The browser's earlier session (`sha256` of its token), which ends; null: it had none. */
  readonly before: string | null;
  readonly requestId: string;
}

/**
 * Makes a session for a caller whose signature holds, and ends the one that the browser had before.
 *
 * @throws ApiError AccessDeniedException for a key of a host or of hooks; InvalidSignatureException for a signature that was used before
 */
export async function signIn(
  ctx: SessionContext,
  caller: Pick<Caller, 'accessKeyId' | 'hostArn' | 'role'>,
  request: SignIn,
): Promise<NewSession> {
  const { role } = caller;
  if (role === 'host' || role === 'hook') {
    const whose = role === 'host' ? 'is a host’s' : 'may only answer hooks';
    const why = `This key ${whose}. Sign in to the console with a key of a person: slipway keys create --role viewer.`;
    throw new ApiError('AccessDeniedException', why, { status: 403 });
  }
  const session = newSession(ctx, caller.accessKeyId, request, SESSION_MS, null);
  await ctx.store.transaction(async (tx) => {
    await lockPower(tx, caller);
    await keepSession(tx, session.row, request);
    await note(tx, caller, 'console:SignIn', request.requestId, session.row.created_at_ms);
  });
  return session;
}

/**
 * Makes a session for a person whom the provider has signed in. The person's role and limits become those of the claims, in all sessions.
 *
 * @param sessionMs life of the session
 * @throws ApiError AccessDeniedException for a person whom an admin has disabled, and for a subject that another provider's person has;
 * InvalidSignatureException for a second use
 */
export async function signInPerson(
  ctx: SessionContext & { readonly sealer: SecretSealer },
  person: SignedInPerson,
  { sessionMs, ...request }: SignIn & { readonly sessionMs: number },
): Promise<NewSession> {
  const { issuer, subject, name, role, scope } = person;
  const accessKeyId = idOfPerson(subject);
  const session = newSession(ctx, accessKeyId, request, sessionMs, { issuer, name });
  const nowMs = session.row.created_at_ms;
  await ctx.store.transaction(async (tx) => {
    const { sealer, random } = ctx;
    const kept = await savePerson(tx, { sealer, random, nowMs }, { accessKeyId, issuer, name, role, scope });
    if (kept.ending !== 'kept') throw notTaken(accessKeyId, kept);
    await keepSession(tx, session.row, request);
    const members = { name, issuer, ...(scope === null ? {} : { scope }) };
    await note(tx, { accessKeyId, role }, 'console:SignIn', request.requestId, nowMs, members);
  });
  return session;
}

function notTaken(accessKeyId: string, kept: Exclude<Kept, { readonly ending: 'kept' }>): ApiError {
  const remedy = `slipway keys enable ${shellWord(accessKeyId)}`;
  const why =
    kept.ending === 'disabled'
      ? `An admin of this server has disabled ${accessKeyId}, and can let you in again: ${remedy}.`
      : `${accessKeyId} is a person of ${kept.issuer}, and the same name at another provider may be somebody else. ` +
        `If you are that person, an admin moves you to this provider: ${remedy}.`;
  return new ApiError('AccessDeniedException', why, { status: 403 });
}

/** Ends the sessions of a person to whom the claims of a provider give no role any more; not those of another provider's person. */
export async function endSessionsOfPerson(
  ctx: SessionContext,
  { issuer, subject }: Pick<SignedInPerson, 'issuer' | 'subject'>,
): Promise<void> {
  const nowMs = ctx.clock.now();
  await ctx.store.transaction((tx) => endConsoleSessionsOf(tx, idOfPerson(subject), nowMs, issuer));
}

function newSession(
  ctx: SessionContext,
  accessKeyId: string,
  { once }: Pick<SignIn, 'once'>,
  lifeMs: number,
  person: OpenSession['person'],
): NewSession & { readonly row: ConsoleSessionRow } {
  const token = ctx.random.bytes(TOKEN_BYTES).toString('base64url');
  const nowMs = ctx.clock.now();
  const row: ConsoleSessionRow = {
    session_sha256: sha256(token),
    sign_in_sha256: sha256(once),
    access_key_id: accessKeyId,
    created_at_ms: nowMs,
    expires_at_ms: nowMs + lifeMs,
    ended_at_ms: null,
    issuer: person?.issuer ?? null,
    person_name: person?.name ?? null,
  };
  return { token, expiresAtMs: row.expires_at_ms, row };
}

async function keepSession(tx: StoreTransaction, row: ConsoleSessionRow, { before }: SignIn): Promise<void> {
  const nowMs = row.created_at_ms;
  if (before !== null) await endConsoleSession(tx, before, nowMs);
  if (!(await insertConsoleSession(tx, row))) {
    throw new ApiError('InvalidSignatureException', 'This sign-in was used before. Ask for a new one.');
  }
  const { access_key_id: accessKeyId, session_sha256: newest } = row;
  await endOldestConsoleSessionsOf(tx, accessKeyId, { newest, keep: MOST_SESSIONS, nowMs });
}

export type SessionProblem = 'unknown' | 'ended' | 'expired';

/** @returns the session of a token, or why it is none */
export async function findSession(ctx: SessionContext, token: string): Promise<OpenSession | SessionProblem> {
  const row = await findConsoleSession(ctx.store.db, sha256(token));
  if (row === null) return 'unknown';
  if (row.ended_at_ms !== null) return 'ended';
  if (row.expires_at_ms <= ctx.clock.now()) return 'expired';
  const { session_sha256: sessionSha256, access_key_id: accessKeyId, expires_at_ms: expiresAtMs, issuer } = row;
  const person = issuer === null ? null : { issuer, name: row.person_name ?? accessKeyId };
  return { sessionSha256, accessKeyId, expiresAtMs, person };
}

/** Whether a session still holds that was open before; its key is another matter. */
export async function isStillOpen(ctx: SessionContext, { sessionSha256 }: OpenSession): Promise<boolean> {
  const row = await findConsoleSession(ctx.store.db, sessionSha256);
  return row !== null && row.ended_at_ms === null && row.expires_at_ms > ctx.clock.now();
}

/** @param which this session, or all sessions of its key or person */
export async function signOut(
  ctx: SessionContext,
  caller: Pick<Caller, 'accessKeyId' | 'role'>,
  { session, which, requestId }: { session: OpenSession; which: 'this' | 'all'; requestId: string },
): Promise<void> {
  const nowMs = ctx.clock.now();
  await ctx.store.transaction(async (tx) => {
    if (which === 'this') await endConsoleSession(tx, session.sessionSha256, nowMs);
    else await endConsoleSessionsOf(tx, session.accessKeyId, nowMs);
    await note(tx, caller, which === 'this' ? 'console:SignOut' : 'console:SignOutEverywhere', requestId, nowMs);
  });
}

async function note(
  tx: StoreTransaction,
  { accessKeyId: actor, role }: Pick<Caller, 'accessKeyId' | 'role'>,
  operation: string,
  requestId: string,
  nowMs: number,
  members: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await insertAuditEntry(tx, auditEntryOf({ requestId, actor, role, operation, members }, null, nowMs));
}

/** The form in which tokens of sessions are named where the token itself must not stand. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
