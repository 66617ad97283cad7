import { RemoteApiError } from '../../../src/protocol/errors.ts';

/** Whether a call failed because no server was there, or not just then: it may be made again. */
export function isServiceUnavailable(error: unknown): boolean {
  return !(error instanceof RemoteApiError) || error.status >= 500;
}
