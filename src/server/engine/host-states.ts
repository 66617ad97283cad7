/** States of hosts once a deployment has ended. */
import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import { hostStatesOf } from '../store/host-states.ts';
import { instancesThatFailed } from '../store/lifecycle-events.ts';
import type { DeploymentGroupRow, DeploymentRow, HostStateRow, TargetRow } from '../store/schema.ts';
import type { StoreReader } from '../store/store.ts';
import type { AutomaticCreator } from './hosts/arrivals.ts';
import type { FinishAction } from './hosts/ending.ts';
import { EVENT_LIMIT_MS } from './limits.ts';
import { TERMINATION_CREATOR } from './scale-in.ts';
import { blueGreenPlanOf } from './settings.ts';

/** @returns null: somebody asked for the deployment */
export function automaticCreatorOf({ creator }: Pick<DeploymentRow, 'creator'>): AutomaticCreator | null {
  return creator === 'autoscaling' || creator === 'CodeDeployAutoUpdate' ? creator : null;
}

/**
 * A host is as its own target ended; one that was not attempted stays as it was. The revision on a failed host is unknown: the old one, the
 * new one, or something in between. A replacement host that was installed runs the new one, also where it never came to take traffic. A
 * rollback that leads traffic back installs nothing, so each host runs what it ran.
 *
 * @param targets as they are at the end
 */
export async function statesAfter(
  db: StoreReader,
  deployment: DeploymentRow,
  group: DeploymentGroupRow,
  targets: readonly TargetRow[],
  finish: Pick<FinishAction, 'status' | 'errorCode'>,
  nowMs: number,
): Promise<HostStateRow[]> {
  const { deployment_group_id, deployment_id } = deployment;
  if (deployment.creator === TERMINATION_CREATOR) return [];
  const installed = identityOf(parseLocation(deployment.revision_json));
  const automatic = automaticCreatorOf(deployment);
  const isWayBack = blueGreenPlanOf(deployment)?.course === 'blue-green-rollback';
  const before =
    automatic === null && !isWayBack ? new Map<string, HostStateRow>() : await hostStatesOf(db, deployment_group_id);
  if (isWayBack) return statesAfterWayBack(before, targets, nowMs);
  const wasThere = await instancesThatFailed(db, deployment_id, EVENT_LIMIT_MS);
  // A host that was cut off by a stop, or by the deployment's own limit, was there.
  const isCutOff = finish.status === 'Stopped' || finish.errorCode === 'TIMEOUT';
  const triesOf = group.last_successful_deployment_id;
  return targets
    .filter(
      // Nothing was installed on the fleet that has only lost its traffic.
      ({ status, label, installed_at_ms }) =>
        label !== 'blue' && (status === 'Succeeded' || status === 'Failed' || installed_at_ms !== null),
    )
    .map(({ instance_id, status }): HostStateRow => {
      const common = { deployment_group_id, instance_id, left_at_ms: nowMs, automatic };
      const untried = { is_missed: 0, tries_of: null, failed_tries: 0 };
      if (status !== 'Failed') return { ...common, ...untried, health: 'healthy', revision_identity: installed };
      const unhealthy = { ...common, ...untried, health: 'unhealthy', revision_identity: null } as const;
      if (automatic === null) return { ...unhealthy, is_missed: isCutOff || wasThere.has(instance_id) ? 0 : 1 };
      const known = before.get(instance_id);
      const tries = known?.tries_of === triesOf ? known.failed_tries : 0;
      return { ...unhealthy, tries_of: triesOf, failed_tries: tries + 1 };
    });
}

/** Nothing was installed: a host that the group never deployed to stays one, and of the others it is known how they have come back. */
function statesAfterWayBack(
  before: ReadonlyMap<string, HostStateRow>,
  targets: readonly TargetRow[],
  nowMs: number,
): HostStateRow[] {
  return targets.flatMap(({ label, status, instance_id }): HostStateRow[] => {
    const known = before.get(instance_id);
    if (known === undefined || label !== 'blue' || status === 'Skipped') return [];
    return [{ ...known, left_at_ms: nowMs, health: status === 'Failed' ? 'unhealthy' : known.health }];
  });
}
