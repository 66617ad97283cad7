/** Common parts of deployments to all platforms when they are created. */
import { ApiError } from '../../protocol/errors.ts';
import { identityOf, type RevisionLocation } from '../../protocol/management/revision-location.ts';
import type { DeploymentOptions } from '../engine/settings.ts';
import { findActiveDeployment } from '../store/deployments.ts';
import { noteRevisionUse, putRevision } from '../store/revisions.ts';
import type { DeploymentGroupRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';
import type { ApiContext, Input } from './context.ts';
import { checkChoice, readObject, readText } from './input.ts';
import { revisionRow } from './revision-input.ts';
import { checkAlarms } from './settings/alarms.ts';
import { checkRollback } from './settings/rollback.ts';

const BEHAVIORS = ['DISALLOW', 'OVERWRITE', 'RETAIN'] as const;
export type FileExistsBehavior = (typeof BEHAVIORS)[number];

/** @throws ApiError InvalidFileExistsBehaviorException */
export function readFileExistsBehavior(input: Input): FileExistsBehavior {
  const given = readText(input, 'fileExistsBehavior') ?? 'DISALLOW';
  return checkChoice(given, 'fileExistsBehavior', BEHAVIORS, 'InvalidFileExistsBehaviorException');
}

/**
 * Settings of a deployment, on any platform, that replace its group's, as the API shows them.
 *
 * @throws ApiError InvalidAutoRollbackConfigException, InvalidAlarmConfigException
 */
export function readOverrides(ctx: Pick<ApiContext, 'alarms'>, input: Input): DeploymentOptions {
  const rollback = readObject(input, 'autoRollbackConfiguration');
  checkRollback(rollback);
  const alarms = readObject(input, 'overrideAlarmConfiguration');
  checkAlarms(alarms, 'overrideAlarmConfiguration', ctx.alarms);
  return {
    ...(rollback === null ? {} : { autoRollbackConfiguration: rollback }),
    ...(alarms === null ? {} : { overrideAlarmConfiguration: alarms }),
  };
}

/** @throws ApiError DeploymentLimitExceededException */
export async function refuseWhileActive(tx: StoreTransaction, group: DeploymentGroupRow): Promise<void> {
  const active = await findActiveDeployment(tx, group.deployment_group_id);
  if (active === null) return;
  throw new ApiError(
    'DeploymentLimitExceededException',
    `The Deployment Group '${group.deployment_group_name}' already has an active Deployment '${active.deployment_id}'`,
  );
}

/** A revision that is deployed is registered if it was not, and remembers when it was used. */
export async function useRevision(
  tx: StoreTransaction,
  ctx: Pick<ApiContext, 'random' | 'clock'>,
  applicationId: string,
  revision: RevisionLocation,
  note: string,
  nowMs: number,
): Promise<void> {
  const identity = identityOf(revision);
  if (await noteRevisionUse(tx, applicationId, identity, nowMs)) return;
  await putRevision(tx, revisionRow(ctx, applicationId, revision, note));
  await noteRevisionUse(tx, applicationId, identity, nowMs);
}
