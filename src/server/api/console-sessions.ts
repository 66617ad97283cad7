/** Sessions of people who work in the console. A session has the power of the key that made it, and never more. */
import { createHash } from 'node:crypto';
import { ApiError } from '../../protocol/errors.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { auditEntryOf } from '../audit/audited-call.ts';
import { insertAuditEntry } from '../store/audit-entries.ts';
import {
  endConsoleSession,
  endConsoleSessionsOf,
  findConsoleSession,
  insertConsoleSession,
} from '../store/console-sessions.ts';
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
}

/**
 * Makes a session for a caller whose signature holds, and ends the one that the browser had before.
 *
 * @param signature that the caller has signed in with: it makes one session only
 * @param before token of the browser's earlier session; null: it had none
 * @throws ApiError AccessDeniedException for a host's key; InvalidSignatureException for a signature that was used before
 */
export async function signIn(
  ctx: SessionContext,
  caller: Pick<Caller, 'accessKeyId' | 'hostArn' | 'role'>,
  { signature, before, requestId }: { signature: string; before: string | null; requestId: string },
): Promise<NewSession> {
  const { accessKeyId, role } = caller;
  if (role === 'host') {
    const why =
      'This key is a host’s. Sign in to the console with a key of a person: slipway keys create --role viewer.';
    throw new ApiError('AccessDeniedException', why, { status: 403 });
  }
  const token = ctx.random.bytes(TOKEN_BYTES).toString('base64url');
  const nowMs = ctx.clock.now();
  const row: ConsoleSessionRow = {
    session_sha256: sha256(token),
    sign_in_sha256: sha256(signature),
    access_key_id: accessKeyId,
    created_at_ms: nowMs,
    expires_at_ms: nowMs + SESSION_MS,
    ended_at_ms: null,
  };
  await ctx.store.transaction(async (tx) => {
    await lockPower(tx, caller);
    if (before !== null) await endConsoleSession(tx, sha256(before), nowMs);
    if (!(await insertConsoleSession(tx, row))) {
      throw new ApiError('InvalidSignatureException', 'This sign-in was used before. Ask for a new one.');
    }
    await note(tx, caller, 'console:SignIn', requestId, nowMs);
  });
  return { token, expiresAtMs: row.expires_at_ms };
}

export type SessionProblem = 'unknown' | 'ended' | 'expired';

/** @returns the session of a token, or why it is none */
export async function findSession(ctx: SessionContext, token: string): Promise<OpenSession | SessionProblem> {
  const row = await findConsoleSession(ctx.store.db, sha256(token));
  if (row === null) return 'unknown';
  if (row.ended_at_ms !== null) return 'ended';
  if (row.expires_at_ms <= ctx.clock.now()) return 'expired';
  const { session_sha256: sessionSha256, access_key_id: accessKeyId, expires_at_ms: expiresAtMs } = row;
  return { sessionSha256, accessKeyId, expiresAtMs };
}

/** Whether a session still holds that was open before; its key is another matter. */
export async function isStillOpen(ctx: SessionContext, { sessionSha256 }: OpenSession): Promise<boolean> {
  const row = await findConsoleSession(ctx.store.db, sessionSha256);
  return row !== null && row.ended_at_ms === null && row.expires_at_ms > ctx.clock.now();
}

/** @param which this session, or all sessions of its key */
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
): Promise<void> {
  await insertAuditEntry(tx, auditEntryOf({ requestId, actor, role, operation, members: {} }, null, nowMs));
}

/** The form in which tokens of sessions are named where the token itself must not stand. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
