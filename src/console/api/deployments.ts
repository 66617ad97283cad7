/** Deployments as pages list them: the ids that fit, then what each is. */
import type { DeploymentsFilter } from '../routing/places.ts';
import type { DeploymentInfo } from '../view/deployments.ts';
import { call, chunks, type Input } from './call.ts';
import type { ApiPage } from './page-walk.ts';

/** The API's limit. */
const MOST_AT_ONCE = 25;

type Status = NonNullable<Input<'ListDeployments'>['includeOnlyStatuses']>[number];

export interface DeploymentsWish {
  readonly application?: string;
  readonly group?: string;
  /** None, or an empty list: any. */
  readonly statuses?: readonly Status[];
  readonly nextToken?: string;
}

/** The newest first, all of them at once. @param most of them */
export async function listDeployments(
  wish: DeploymentsWish,
  most: number,
  signal?: AbortSignal,
): Promise<DeploymentInfo[]> {
  const { entries } = await idsOfDeployments(wish, signal);
  return deploymentsOf(entries.slice(0, most), signal);
}

/** A page of the ids, the newest first. */
export async function idsOfDeployments(wish: DeploymentsWish, signal?: AbortSignal): Promise<ApiPage<string>> {
  const { application, group, statuses = [], nextToken } = wish;
  if (application !== undefined && group === undefined) return ofApplication(application, wish, signal);
  const names = application === undefined ? {} : { applicationName: application, deploymentGroupName: group };
  const input = { ...names, includeOnlyStatuses: [...statuses], ...(nextToken === undefined ? {} : { nextToken }) };
  const { deployments: entries = [], nextToken: next } = await call('ListDeployments', input, signal);
  return { entries, nextToken: next };
}

/** ListDeployments knows groups alone, so the deployments of a whole application are those of its history. */
async function ofApplication(
  applicationName: string,
  { statuses = [], nextToken }: DeploymentsWish,
  signal?: AbortSignal,
): Promise<ApiPage<string>> {
  const input = { applicationName, ...(nextToken === undefined ? {} : { nextToken }) };
  const { entries, nextToken: next } = await call('ListRevisionHistory', input, signal);
  const isWanted = (status: string) => statuses.length === 0 || (statuses as readonly string[]).includes(status);
  const ids = entries.filter(({ status }) => isWanted(status)).map(({ deploymentId }) => deploymentId);
  return { entries: ids, nextToken: next };
}

/** In the order of the ids; those that are gone are left out. */
export async function deploymentsOf(ids: readonly string[], signal?: AbortSignal): Promise<DeploymentInfo[]> {
  const answers = await Promise.all(
    chunks(ids, MOST_AT_ONCE).map((deploymentIds) => call('BatchGetDeployments', { deploymentIds }, signal)),
  );
  const found = new Map(
    answers.flatMap((answer) => answer.deploymentsInfo ?? []).map((info) => [info.deploymentId, info]),
  );
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** The filters of an address as a wish. */
export function wishOf({ application, group, status }: DeploymentsFilter): DeploymentsWish {
  return {
    ...(application === null ? {} : { application }),
    ...(application === null || group === null ? {} : { group }),
    ...(status === null ? {} : { statuses: [status as Status] }),
  };
}
