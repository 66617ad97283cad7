import { updateDeployment } from '../store/deployments.ts';
import type { DeploymentRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import { type DeploymentOptions, parseOptions } from './settings.ts';

/** The only thing about a deployment that changes after its end. */
export async function noteRollback(
  tx: StoreTransaction,
  deployment: DeploymentRow,
  rollbackInfo: NonNullable<DeploymentOptions['rollbackInfo']>,
): Promise<void> {
  const options: DeploymentOptions = { ...parseOptions(deployment), rollbackInfo };
  await updateDeployment(tx, deployment.deployment_id, { options_json: JSON.stringify(options) });
}
