/** Whether a rollback follows. Pure. */
import type { DeploymentGroupRow, DeploymentRow } from '../store/schema.ts';
import { storedSettings } from './settings.ts';

/** Creator of automatic rollbacks. Agents know this name, so it must be exactly this one. */
export const ROLLBACK_CREATOR = 'codeDeployRollback';

/** The choice of the stop's caller comes first. A rollback that fails is not rolled back itself, or rollbacks would never end. */
export function isRollbackWanted(
  deployment: DeploymentRow,
  group: DeploymentGroupRow | null,
  status: 'Failed' | 'Stopped',
): boolean {
  if (status === 'Stopped' && deployment.stop_rollback !== null) return deployment.stop_rollback === 1;
  if (deployment.creator === ROLLBACK_CREATOR) return false;
  const { rollbackEvents } = storedSettings(deployment, group?.settings_json ?? null);
  if (status === 'Failed') return rollbackEvents.includes('DEPLOYMENT_FAILURE');
  const byAlarm = deployment.stopped_by_alarm !== null;
  return rollbackEvents.includes(byAlarm ? 'DEPLOYMENT_STOP_ON_ALARM' : 'DEPLOYMENT_STOP_ON_REQUEST');
}
