/**
 * Processes of Auto Scaling groups that rest while a deployment in place runs: `ec2DeploymentOptions`. They are suspended before the first
 * host is touched, and resumed before the deployment ends, however it does. The caller of AWS takes the deployment's next step.
 */
import type { DeploymentRow, SuspensionRow } from '../../store/schema.ts';
import type { StoreTransaction } from '../../store/store.ts';
import { askForSuspension, askToResume, findSuspension } from '../../store/suspensions.ts';
import {
  autoScalingGroupsOf,
  type DeploymentOptions,
  isBlueGreen,
  type SettingsOfGroup,
  type Suspends,
  suspendsOf,
} from '../settings.ts';
import { type FinishAction, failedWith } from './ending.ts';

/** Returns the processes to suspend for a deployment that somebody asks for, where the server asks AWS; empty: none. */
export function suspendsFor(
  group: SettingsOfGroup,
  { ec2DeploymentOptions }: Pick<DeploymentOptions, 'ec2DeploymentOptions'>,
): { readonly suspends?: Suspends } {
  const { autoScalingGroupProcessesToSuspend: processes = [] } =
    ec2DeploymentOptions ?? group.ec2DeploymentOptions ?? {};
  const autoScalingGroups = autoScalingGroupsOf(group);
  const isNothing = processes.length === 0 || autoScalingGroups.length === 0 || isBlueGreen(group);
  return isNothing ? {} : { suspends: { autoScalingGroups, processes } };
}

/** A fault of AWS, with what it means for the deployment. */
export interface SuspensionFault {
  /** A code of the API's ErrorInformation. */
  readonly code: string;
  readonly call: string;
  readonly answer: string;
}

/** @returns how the deployment ends instead; `awaited`: AWS was not called yet */
export async function suspensionStanding(
  tx: StoreTransaction,
  deployment: Pick<DeploymentRow, 'deployment_id' | 'settings_json'>,
  nowMs: number,
): Promise<'done' | 'awaited' | FinishAction> {
  const suspends = suspendsOf(deployment);
  if (suspends === null) return 'done';
  const row = await findSuspension(tx, deployment.deployment_id);
  if (row === null) await askForSuspension(tx, deployment.deployment_id, JSON.stringify(suspends), nowMs);
  if (row?.state !== 'refused') return row?.state === 'suspended' ? 'done' : 'awaited';
  const fault = faultOf(row);
  return failedWith(
    fault?.code ?? 'INTERNAL_ERROR',
    `Nothing was deployed, since processes of an Auto Scaling group could not be suspended. ${said(fault)}`,
  );
}

/** @returns how the deployment ends now; null: AWS is to resume the processes first */
export async function endingAfterResuming(
  tx: StoreTransaction,
  { deployment_id: deploymentId }: Pick<DeploymentRow, 'deployment_id'>,
  finish: FinishAction,
  nowMs: number,
): Promise<FinishAction | null> {
  const row = await findSuspension(tx, deploymentId);
  if (row === null || row.state === 'resumed') return finish;
  if (row.state !== 'left') {
    await askToResume(tx, deploymentId, nowMs);
    return null;
  }
  const fault = faultOf(row);
  const left = `Processes of an Auto Scaling group stay suspended: resume them by hand. ${said(fault)}`;
  if (finish.status === 'Succeeded') return failedWith(fault?.code ?? 'INTERNAL_ERROR', left);
  return { ...finish, errorMessage: `${finish.errorMessage ?? ''} ${left}`.trim() };
}

function faultOf({ failing_json }: Pick<SuspensionRow, 'failing_json'>): SuspensionFault | null {
  return failing_json === null ? null : (JSON.parse(failing_json) as SuspensionFault);
}

function said(fault: SuspensionFault | null): string {
  return fault === null ? '' : `The last call to AWS was: ${fault.call}. The answer: ${fault.answer}.`;
}
