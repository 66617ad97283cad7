/** The person who works with the page, and the end of the session. */

import type { KeyScope } from '../../protocol/management/key-scope.ts';
import type { AccessRole, ManagementOperation } from '../../protocol/management/shapes.ts';
import { SESSION_PATH, type SignInHeaders } from '../sign-in/sign.ts';
import { ask, Refusal } from './call.ts';

export interface Session {
  readonly accessKeyId: string;
  /** Name of a person whom an OpenID Connect provider has signed in. */
  readonly name?: string;
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

const SINGLE_SIGN_ON_PATH = '/console/single-sign-on';

/** The provider that signs people in. */
export interface SingleSignOn {
  readonly label: string;
  /** Address of this server that the provider leads back to. */
  readonly address: string;
}

/** @returns null: access keys alone sign in @throws Refusal */
export async function findSingleSignOn(): Promise<SingleSignOn | null> {
  const { label, address } = (await ask('GET', SINGLE_SIGN_ON_PATH)) as Partial<SingleSignOn>;
  return label === undefined || address === undefined ? null : { label, address };
}

/**
 * @param returnTo path of the page that is to be shown afterwards
 * @returns the address at the provider
 * @throws Refusal
 */
export async function beginSingleSignOn(returnTo: string): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const answer = await ask('POST', SINGLE_SIGN_ON_PATH, { body: JSON.stringify({ returnTo }), headers });
  return (answer as { readonly address: string }).address;
}

export async function signOut(which: 'this' | 'all'): Promise<void> {
  await ask('DELETE', which === 'this' ? SESSION_PATH : '/console/sessions');
}
