/** The report: when each revision was deployed, by whom, to which hosts, and what hosts have now. */

import { setImmediate } from 'node:timers/promises';
import { ApiError } from '../../protocol/errors.ts';
import { reachOf } from '../../protocol/management/key-scope.ts';
import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import type { MadeBy } from '../../protocol/management/shapes.ts';
import { inChunks } from '../store/chunks.ts';
import { groupsOfDeployments } from '../store/deployments.ts';
import {
  countHostsByRevision,
  type HistoryFilter,
  type HostHistoryRow,
  listHistoryOfHost,
  listHostHistory,
  listHostRevisions,
  listRevisionHistory,
  makersOf,
  type TargetPlace,
} from '../store/history.ts';
import type { StoreReader } from '../store/store.ts';
import { countTargets } from '../store/targets.ts';
import { requireApplication } from './applications.ts';
import { type Caller, type Handlers, type Input, seconds } from './context.ts';
import { requireGroup } from './deployment-groups.ts';
import { APPLICATION, GROUP, INSTANCE, readOptionalName } from './input.ts';
import { readPageToken, toPage } from './paging.ts';
import { readTimeRange } from './time-range.ts';

/** Each is counted through all its targets, so that a page must not hold up others. */
const DEPLOYMENTS_A_PAGE = 25;
/** A fleet of ten thousand is twenty pages, each some milliseconds. */
const HOSTS_A_PAGE = 500;

export const historyHandlers: Handlers<'ListRevisionHistory' | 'ListHostHistory' | 'ListHostRevisions'> = {
  async ListRevisionHistory(ctx, input, caller) {
    const { db } = ctx.store;
    const filter = await readFilter(db, input);
    const token = readPageToken(ctx, 'ListRevisionHistory', input);
    const page = { after: readPlace(token.after), limit: DEPLOYMENTS_A_PAGE + 1 };
    const found = await listRevisionHistory(db, filter, page);
    const keyOf = (row: (typeof found)[number]) => `${row.created_at_ms} ${row.deployment_id}`;
    const { rows, ...rest } = toPage(found, token, keyOf, DEPLOYMENTS_A_PAGE);
    const shown = await within(db, caller, rows);
    const ids = shown.map((row) => row.deployment_id);
    const madeBy = await makers(db, caller, ids);
    const hostsNow = new Map<string, ReadonlyMap<string, number>>();
    const entries = [];
    for (const row of shown) {
      const { deployment_id: id, deployment_group_id: groupId } = row;
      // One deployment after another: each may have thousands of targets, and others are served in between.
      await setImmediate();
      const ofGroup = hostsNow.get(groupId) ?? (await countHostsByRevision(db, groupId));
      hostsNow.set(groupId, ofGroup);
      const revision = parseLocation(row.revision_json);
      entries.push({
        ...namesOf(row),
        revision,
        ...{ status: row.status, createTime: seconds(row.created_at_ms) },
        ...(row.completed_at_ms === null ? {} : { completeTime: seconds(row.completed_at_ms) }),
        ...madeBy(row),
        hosts: (await countTargets(db, [id])).get(id) ?? {},
        hostsNow: ofGroup.get(identityOf(revision)) ?? 0,
      });
    }
    return { entries, ...rest };
  },

  async ListHostHistory(ctx, input, caller) {
    const { db } = ctx.store;
    const host = readOptionalName(input, 'instanceName', INSTANCE);
    const filter = await readFilter(db, input);
    const token = readPageToken(ctx, 'ListHostHistory', input);
    const page = { after: readPlace(token.after), limit: HOSTS_A_PAGE + 1 };
    const found =
      host === null ? await listHostHistory(db, filter, page) : await listHistoryOfHost(db, host, filter, page);
    const keyOf = (row: HostHistoryRow) => `${row.created_at_ms} ${row.deployment_id} ${row.position}`;
    const { rows, ...rest } = toPage(found, token, keyOf, HOSTS_A_PAGE);
    const shown = await within(db, caller, rows);
    const madeBy = await makers(db, caller, [...new Set(shown.map((row) => row.deployment_id))]);
    const entries = shown.map((row) => {
      const revision = parseLocation(row.revision_json);
      return {
        instanceName: row.target_id,
        ...namesOf(row),
        revision,
        ...{ status: row.status, createTime: seconds(row.created_at_ms), statusTime: seconds(row.updated_at_ms) },
        ...madeBy(row),
        ...(row.label === null ? {} : { fleet: row.label }),
        isOnHostNow: row.revision_identity === identityOf(revision),
      };
    });
    return { entries, ...rest };
  },

  async ListHostRevisions(ctx, input, { scope }) {
    const { db } = ctx.store;
    const reach = reachOf(scope);
    const instanceName = readOptionalName(input, 'instanceName', INSTANCE);
    const ids = await readGroup(db, input);
    const token = readPageToken(ctx, 'ListHostRevisions', input);
    const [deploymentGroupId = '', instanceId = ''] = token.after.split(' ');
    const after = token.after === '' ? null : { deploymentGroupId, instanceId };
    const found = await listHostRevisions(db, { ...ids, instanceName }, { after, limit: HOSTS_A_PAGE + 1 });
    const keyOf = (row: (typeof found)[number]) => `${row.deployment_group_id} ${row.instance_id}`;
    const { rows, ...rest } = toPage(found, token, keyOf, HOSTS_A_PAGE);
    const shown = rows.filter((row) => reach.hasGroup(row.application_name, row.deployment_group_name));
    const entries = shown.map((row) => ({
      instanceName: row.instance_name,
      applicationName: row.application_name,
      deploymentGroupName: row.deployment_group_name,
      ...(row.location_json === null ? {} : { revision: parseLocation(row.location_json) }),
      health: row.health,
      ...(row.left_at_ms === null ? {} : { sinceTime: seconds(row.left_at_ms) }),
    }));
    return { entries, ...rest };
  },
};

interface DeploymentNames {
  readonly deployment_id: string;
  readonly application_name: string;
  readonly deployment_group_name: string;
}

function namesOf({ deployment_id, application_name, deployment_group_name }: DeploymentNames) {
  return {
    deploymentId: deployment_id,
    applicationName: application_name,
    deploymentGroupName: deployment_group_name,
  };
}

/** The rows of deployments that a key may see: a page of a limited key may be short, and even empty, with more behind it. */
async function within<Row extends { readonly deployment_id: string }>(
  db: StoreReader,
  { scope }: Caller,
  rows: readonly Row[],
): Promise<readonly Row[]> {
  if (scope === null) return rows;
  const reach = reachOf(scope);
  const visible = new Set<string>();
  for (const chunk of inChunks([...new Set(rows.map((row) => row.deployment_id))])) {
    for (const [id, { applicationName, groupName }] of await groupsOfDeployments(db, chunk)) {
      if (reach.hasGroup(applicationName, groupName)) visible.add(id);
    }
  }
  return rows.filter((row) => visible.has(row.deployment_id));
}

/** Tells whose doing deployments were. A caller that may not list keys is not told of them here either. */
async function makers(db: StoreReader, { role, scope }: Caller, deploymentIds: readonly string[]) {
  const known = role === 'viewer' || scope !== null ? new Map<string, never>() : await makersOf(db, deploymentIds);
  return ({ deployment_id, creator }: { readonly deployment_id: string; readonly creator: string }): MadeBy => {
    const maker = known.get(deployment_id);
    if (maker === undefined) return { creator };
    const { actor, description } = maker;
    return { creator, actor, ...(description === null ? {} : { actorDescription: description }) };
  };
}

async function readFilter(db: StoreReader, input: Input): Promise<HistoryFilter> {
  const { from: sinceMs, to: untilMs } = readTimeRange(input, 'timeRange');
  return { ...(await readGroup(db, input)), sinceMs, untilMs };
}

/** @throws ApiError ApplicationDoesNotExistException, DeploymentGroupDoesNotExistException; ApplicationNameRequiredException for a group alone */
async function readGroup(db: StoreReader, input: Input) {
  const applicationName = readOptionalName(input, 'applicationName', APPLICATION);
  const groupName = readOptionalName(input, 'deploymentGroupName', GROUP);
  if (applicationName === null) {
    if (groupName === null) return { applicationId: null, deploymentGroupId: null };
    throw new ApiError(
      'ApplicationNameRequiredException',
      'deploymentGroupName is given, and applicationName is not: groups of several applications may have one name.',
    );
  }
  const application = await requireApplication(db, applicationName);
  const { application_id: applicationId } = application;
  if (groupName === null) return { applicationId, deploymentGroupId: null };
  const group = await requireGroup(db, application, groupName);
  return { applicationId, deploymentGroupId: group.deployment_group_id };
}

/** Where the page before ended, as this server has written it into its token. */
function readPlace(after: string): TargetPlace | null {
  const [createdAtMs = '', deploymentId = '', position = ''] = after.split(' ');
  return after === '' ? null : { createdAtMs: Number(createdAtMs), deploymentId, position: Number(position) };
}
