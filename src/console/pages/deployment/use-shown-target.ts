import { useEffect } from 'react';
import { useData } from '../../api/use-data.ts';
import type { DeploymentInfo } from '../../view/deployments.ts';
import { idsOfTargets, type Target, targetsOf } from './read-targets.ts';

interface ShownTargetWish {
  readonly id: string;
  readonly info: DeploymentInfo;
  /** Name of a target; null: the first that failed, else the first one. */
  readonly chosen: string | null;
  /** Targets of the page that is shown; null: not there yet. */
  readonly rows: readonly Target[] | null;
  /** Changes of the deployment that the page was told of. */
  readonly changes: number;
}

/** The target whose events are shown, on whichever page it is; null: not known yet, or there is none. */
export function useShownTarget({ id, info, chosen, rows, changes }: ShownTargetWish): Target | null {
  const isWanted = chosen === null && (info.deploymentOverview?.Failed ?? 0) > 0;
  const firstFailed = useData(`first failed ${id} ${isWanted}`, async (signal) =>
    isWanted ? ((await idsOfTargets(id, 'Failed', undefined, signal)).entries[0] ?? null) : null,
  );
  const name = chosen ?? firstFailed.data;
  const inRows = rows?.find(({ targetId }) => targetId === name) ?? null;
  const isElsewhere = name !== null && rows !== null && inRows === null;
  const elsewhere = useData(`target ${id} ${isElsewhere ? name : ''}`, async (signal) =>
    isElsewhere ? ((await targetsOf(id, [name], signal))[0] ?? null) : null,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change is the reason to read again
  useEffect(() => {
    if (isElsewhere) elsewhere.reload();
  }, [changes]);
  if (inRows !== null) return inRows;
  if (isElsewhere) return elsewhere.data;
  return isWanted && firstFailed.data === null ? null : (rows?.[0] ?? null);
}
