/**
 * Hosts that come and go: which of a group's hosts get its last good revision by a deployment that nobody asked for. Pure.
 *
 *   a host that the group never deployed to          launch: always
 *   the same, registered while the last good         update
 *     deployment ran
 *   a host that was not there for its last           update, once it is heard of again
 *     deployment, or was left out of the last good one
 *   a host that came back from another group of    update
 *     the application, which brought it something else
 *   a host that an automatic deployment failed on    the same once more, at most three times, with pauses
 *   every other host                                 nothing
 *
 * Updates are for groups whose outdatedInstancesStrategy is UPDATE. A host is left alone when a deployment that somebody asked for failed
 * on it. People should look at it, and its revision may be wanted. So is one that an unsuccessful deployment gave a newer revision.
 */
import type { HostStateRow } from '../../store/schema.ts';

/** Creators of automatic deployments, as the API names them. */
export type AutomaticCreator = 'autoscaling' | 'CodeDeployAutoUpdate';

/** As many automatic deployments of one revision may fail on a host. */
export const MAX_TRIES = 3;
const MINUTE_MS = 60_000;
/** After the first failure and after the second. */
const PAUSES_MS = [MINUTE_MS, 5 * MINUTE_MS];

/** The group's last successful deployment. */
export interface LastGood {
  readonly deploymentId: string;
  readonly createdAtMs: number;
  readonly completedAtMs: number;
}

/** A host of the group that is heard of, and is not known to run the last good revision. */
export interface Candidate {
  readonly instanceId: string;
  readonly registeredAtMs: number;
  readonly heardOfAtMs: number;
  /** Whether it came back from another group of the application, which deployed something else to it. */
  readonly isMovedBack?: boolean;
  /** State that the group's last deployment left on the host; null: the group never deployed to it. */
  readonly state: Omit<HostStateRow, 'deployment_group_id' | 'instance_id'> | null;
}

export interface AutomaticDeployment {
  readonly creator: AutomaticCreator;
  readonly instanceIds: readonly string[];
  /** Hosts came while the last good deployment ran, so that this one belongs to it. */
  readonly followsLastGood: boolean;
}

export interface Arrivals {
  /** The next automatic deployment of the group; null: no host needs one now. */
  readonly next: AutomaticDeployment | null;
  /** Hosts that get no more of them. */
  readonly givenUp: readonly string[];
}

type Standing = AutomaticCreator | 'given-up' | null;

/** @param updates whether hosts get updates @param nowMs for pauses between tries */
export function arrivalsOf(
  candidates: readonly Candidate[],
  group: { readonly lastGood: LastGood; readonly updates: boolean },
  nowMs: number,
): Arrivals {
  const { lastGood } = group;
  const standings = candidates.map((host) => ({ host, standing: standingOf(host, group, nowMs) }));
  const idsOf = (wanted: Standing) =>
    standings.flatMap(({ host, standing }) => (standing === wanted ? [host.instanceId] : []));
  const givenUp = idsOf('given-up');
  for (const creator of ['autoscaling', 'CodeDeployAutoUpdate'] as const) {
    const instanceIds = idsOf(creator);
    if (instanceIds.length === 0) continue;
    const followsLastGood =
      creator === 'CodeDeployAutoUpdate' &&
      candidates.some((host) => instanceIds.includes(host.instanceId) && cameDuring(host, lastGood));
    return { next: { creator, instanceIds, followsLastGood }, givenUp };
  }
  return { next: null, givenUp };
}

function cameDuring({ registeredAtMs }: Candidate, { createdAtMs, completedAtMs }: LastGood): boolean {
  return registeredAtMs > createdAtMs && registeredAtMs <= completedAtMs;
}

function standingOf(
  host: Candidate,
  { lastGood, updates }: { readonly lastGood: LastGood; readonly updates: boolean },
  nowMs: number,
): Standing {
  const { state } = host;
  const update = updates ? 'CodeDeployAutoUpdate' : null;
  if (state === null) return updates && cameDuring(host, lastGood) ? 'CodeDeployAutoUpdate' : 'autoscaling';
  // Left by a version that did not keep when.
  if (state.left_at_ms === null) return null;
  if (state.tries_of === lastGood.deploymentId) return standingAfterTries(state, nowMs);
  if (state.left_at_ms < lastGood.createdAtMs || host.isMovedBack === true) return update;
  return state.is_missed === 1 && host.heardOfAtMs > state.left_at_ms ? update : null;
}

function standingAfterTries(state: NonNullable<Candidate['state']>, nowMs: number): Standing {
  if (state.failed_tries >= MAX_TRIES) return 'given-up';
  const pauseMs = PAUSES_MS[state.failed_tries - 1] ?? 0;
  return nowMs >= (state.left_at_ms ?? 0) + pauseMs ? (state.automatic ?? 'autoscaling') : null;
}
