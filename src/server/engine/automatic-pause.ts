/**
 * When a group's next automatic deployment may begin. The cause of a failure, such as an active alarm or a missing bundle, mostly stops the
 * next one, too. And a person who has stopped one does not want to stop another at once.
 */
import { listDeployments } from '../store/deployments.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import { automaticCreatorOf } from './host-states.ts';
import { TERMINATION_CREATOR } from './scale-in.ts';

const MINUTE_MS = 60_000;
/** After the first one that did not succeed; twice as long after each further one in a row. */
const FIRST_PAUSE_MS = MINUTE_MS;
/** At most; and always after one that somebody has stopped. */
const LONGEST_PAUSE_MS = 60 * MINUTE_MS;
/** As many in a row as make a difference. */
const LOOKED_AT = 7;

/** @returns milliseconds since the epoch; 0: at once */
export async function nextAutomaticAtMs(db: StoreReader, deploymentGroupId: string): Promise<number> {
  const latest = await listDeployments(db, { deploymentGroupId, limit: LOOKED_AT });
  // What became of an instance that is gone says nothing about those that come.
  return pauseUntilMs(latest.filter(({ creator }) => creator !== TERMINATION_CREATOR));
}

/** @param latest deployments of a group, none of them under way, the newest first */
export function pauseUntilMs(
  latest: readonly Pick<DeploymentRow, 'creator' | 'status' | 'error_code' | 'completed_at_ms'>[],
): number {
  const firstOther = latest.findIndex((one) => automaticCreatorOf(one) === null || one.status === 'Succeeded');
  const inRow = firstOther === -1 ? latest.length : firstOther;
  const [last] = latest;
  if (last === undefined || inRow === 0) return 0;
  const isStopped = last.error_code === 'MANUAL_STOP';
  const pauseMs = isStopped ? LONGEST_PAUSE_MS : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (inRow - 1));
  return (last.completed_at_ms ?? 0) + pauseMs;
}
