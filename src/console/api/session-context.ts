/** The session, for every component below. */
import { createContext, useContext } from 'react';
import type { Reach } from '../../protocol/management/key-scope.ts';
import type { ManagementOperation } from '../../protocol/management/shapes.ts';
import type { Session } from './session.ts';

export interface SessionAtHand {
  readonly session: Session;
  /** Whether the key may call an operation at all: what it may not is not shown. */
  may(operation: ManagementOperation): boolean;
  /** Applications and groups that the key reaches. */
  readonly reach: Reach;
  /** The server does not know the session any more. */
  readonly onSignedOut: () => void;
}

export const SessionContext = createContext<SessionAtHand | null>(null);

export function useSession(): SessionAtHand {
  const session = useContext(SessionContext);
  if (session === null) throw new Error('this is shown to people who have signed in only');
  return session;
}
