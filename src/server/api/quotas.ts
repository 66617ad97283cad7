/**
 * How many of a thing there may be. The hosted service has 1 000 applications, 1 000 groups of an application and 50 configurations. These
 * quotas are more than people need, and bound what a script in a loop leaves behind. One application or configuration is made at a time, so
 * that many at once do not exceed a quota.
 */
import { ApiError } from '../../protocol/errors.ts';
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import { countGroupsOf, countOf, lockQuota } from '../store/quotas.ts';
import type { ApplicationRow } from '../store/schema.ts';
import type { StoreTransaction } from '../store/store.ts';

export const MAX_APPLICATIONS = 10_000;
/** Limit for one application. */
export const MAX_GROUPS = 10_000;
export const MAX_CONFIGS = 1_000;

/** @throws ApiError ApplicationLimitExceededException */
export async function requireRoomForApplication(tx: StoreTransaction): Promise<void> {
  await lockQuota(tx, 'applications');
  const count = await countOf(tx, 'applications');
  if (count >= MAX_APPLICATIONS)
    throw full('ApplicationLimitExceededException', `There are ${count} applications`, MAX_APPLICATIONS);
}

/** @param application that is locked @throws ApiError DeploymentGroupLimitExceededException */
export async function requireRoomForGroup(tx: StoreTransaction, application: ApplicationRow): Promise<void> {
  const count = await countGroupsOf(tx, application.application_id);
  const there = `The application ${application.application_name} has ${count} deployment groups`;
  if (count >= MAX_GROUPS) throw full('DeploymentGroupLimitExceededException', there, MAX_GROUPS);
}

/** @throws ApiError DeploymentConfigLimitExceededException */
export async function requireRoomForConfig(tx: StoreTransaction): Promise<void> {
  await lockQuota(tx, 'deployment_configs');
  const count = await countOf(tx, 'deployment_configs');
  if (count >= MAX_CONFIGS)
    throw full('DeploymentConfigLimitExceededException', `There are ${count} deployment configurations`, MAX_CONFIGS);
}

function full(type: ExceptionName, there: string, limit: number): ApiError {
  return new ApiError(type, `${there}; ${limit} is the limit. Delete one that is not used.`);
}
