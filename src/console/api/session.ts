/** The person who works with the page, and the end of the session. */

import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { AccessRole, ManagementOperation } from '../../protocol/management/shapes.ts';
import { SESSION_PATH, type SignInHeaders } from '../sign-in/sign.ts';
import { ask, Refusal } from './call.ts';

export interface Session {
  readonly accessKeyId: string;
  readonly role: AccessRole;
  readonly scope?: KeyScope;
  /** Operations that the key may call at all. */
  readonly operations: readonly ManagementOperation[];
  /** Epoch seconds. */
  readonly expireTime: number;
  readonly serverVersion: string;
}

/** @returns null: nobody is signed in @throws Refusal */
export async function findSession(): Promise<Session | null> {
  try {
    return (await ask('GET', SESSION_PATH)) as Session;
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) return null;
    throw error;
  }
}

/** @throws Refusal */
export async function signIn(headers: SignInHeaders): Promise<void> {
  await ask('POST', SESSION_PATH, { headers: { ...headers } });
}

export async function signOut(which: 'this' | 'all'): Promise<void> {
  await ask('DELETE', which === 'this' ? SESSION_PATH : '/console/sessions');
}
