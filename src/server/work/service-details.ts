/** The task sets of a deployment as the API shows them. Pure. */
import type { ServiceDetails, TaskSetDetails } from '../engine/shifting/service-plan.ts';
import type { Roles, TaskSetSeen } from '../outside/aws/task-sets.ts';

/**
 * @param before what is shown so far
 * @param greenShare percent of the production traffic that green gets; null: as it was
 * @returns blue first. A task set that is gone stays, without tasks
 */
export function shownTaskSets(
  before: Pick<ServiceDetails, 'taskSets' | 'blueGroup' | 'greenGroup'>,
  { blue, green }: Pick<Roles, 'blue' | 'green'>,
  greenShare: number | null,
): readonly TaskSetDetails[] {
  const shown = (label: TaskSetDetails['label'], seen: TaskSetSeen | null): readonly TaskSetDetails[] => {
    const known = before.taskSets.find((set) => set.label === label);
    const share = shareOf(label, greenShare) ?? known?.trafficWeight ?? (label === 'Blue' ? 100 : 0);
    const { name } = label === 'Blue' ? before.blueGroup : before.greenGroup;
    if (seen !== null) return [{ ...countsOf(seen), label, trafficWeight: share, targetGroup: name }];
    if (known === undefined) return [];
    return [{ ...known, status: 'DRAINING', desired: 0, pending: 0, running: 0, trafficWeight: share }];
  };
  return [...shown('Blue', blue), ...shown('Green', green)];
}

function shareOf(label: TaskSetDetails['label'], greenShare: number | null): number | null {
  if (greenShare === null) return null;
  const share = label === 'Green' ? greenShare : 100 - greenShare;
  return Math.round(share * 100) / 100;
}

function countsOf({ id, status, desired, pending, running }: TaskSetSeen) {
  return { id, status, desired, pending, running };
}
