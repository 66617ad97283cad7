/**
 * Gives hosts that come to a group, or come back to it, the group's last good revision, by deployments of their own.
 *
 * Level-triggered: it looks at the groups again and again, and what is to be done follows from the rows alone. Every server of a database
 * does it: a group has one deployment at a time, so the others find nothing left to do.
 */

import type { Logger } from '../../logging/logger.ts';
import { identityOf, parseLocation } from '../../protocol/management/revision-location.ts';
import type { Clock } from '../../system/clock.ts';
import type { Random } from '../../system/random.ts';
import { type Repeated, repeatedly } from '../../system/repeatedly.ts';
import { findApplicationById } from '../store/applications.ts';
import { idleGroups, lockGroupById, updateGroup } from '../store/deployment-groups.ts';
import { findActiveDeployment, findDeployment, insertDeployment, updateDeployment } from '../store/deployments.ts';
import { instancesBehind } from '../store/instance-tags.ts';
import { noteRevisionUse } from '../store/revisions.ts';
import type { DeploymentGroupRow, DeploymentRow } from '../store/schema.ts';
import type { Store, StoreReader, StoreTransaction } from '../store/store.ts';
import { watchedAlarms } from './alarms.ts';
import { nextAutomaticAtMs } from './automatic-pause.ts';
import { newDeploymentId } from './deployment-id.ts';
import type { Engine } from './engine.ts';
import { type Arrivals, type AutomaticDeployment, arrivalsOf, MAX_TRIES } from './hosts/arrivals.ts';
import { fleetSettings } from './hosts/fleet.ts';
import { movedBack } from './moved-back.ts';
import { type DeploymentOptions, parseOptions, type SettingsOfGroup, settingsOf } from './settings.ts';

export interface ArrivalsWatchContext {
  readonly store: Store;
  readonly engine: Pick<Engine, 'step'>;
  readonly clock: Clock;
  readonly random: Pick<Random, 'text'>;
  readonly log: Logger;
  /** Whether AWS says which hosts a group's EC2 filters match; left out: it does not. */
  readonly asksAws?: boolean;
}

const LOOK_MS = 10_000;
/** From when a host is first seen to need a deployment: hosts that come together get one together. */
export const SETTLE_MS = 10_000;
/**
 * A host that was heard of within this time, in ms, is there. A poll is held for less than a minute, and its time is noted to half a
 * minute.
 */
const HEARD_OF_MS = 2 * 60_000;
/** As many as one deployment may have; the others follow. */
const MAX_HOSTS = 1000;
/** Groups for one query. */
const PAGE = 100;

/** Begins to look for hosts that have come, every ten seconds. */
export function startArrivalsWatch(ctx: ArrivalsWatchContext): Repeated {
  const memory: Memory = { waitingSince: new Map(), saidGivenUp: new Set() };
  return repeatedly(ctx.clock, { pauseMs: LOOK_MS, isDueAtOnce: false }, async (signal) => {
    try {
      await lookAtGroups(ctx, memory, signal);
    } catch (error) {
      ctx.log.error('the server could not look for hosts that have come just now; it looks again', { error });
    }
  });
}

/** Memory of a watch between its looks; none of it is needed, and a restart only takes a little longer. */
interface Memory {
  /** Since when a group has hosts that wait, by the group's id. */
  readonly waitingSince: Map<string, number>;
  /** Hosts that were said to be given up. */
  readonly saidGivenUp: Set<string>;
}

async function lookAtGroups(ctx: ArrivalsWatchContext, memory: Memory, signal: AbortSignal): Promise<void> {
  for (let after = '', isLast = false; !isLast && !signal.aborted; ) {
    const groups = await idleGroups(ctx.store.db, after, PAGE);
    isLast = groups.length < PAGE;
    for (const group of groups) {
      if (signal.aborted) return;
      after = group.deployment_group_id;
      await lookAtGroup(ctx, memory, group);
    }
  }
}

async function lookAtGroup(ctx: ArrivalsWatchContext, memory: Memory, group: DeploymentGroupRow): Promise<void> {
  const { deployment_group_id: groupId, deployment_group_name: groupName } = group;
  const nowMs = ctx.clock.now();
  const found = await findArrivals(ctx, ctx.store.db, group, nowMs);
  sayGivenUp(ctx, memory, group, found);
  if (found === null || found.next === null) {
    memory.waitingSince.delete(groupId);
    return;
  }
  const sinceMs = memory.waitingSince.get(groupId) ?? nowMs;
  memory.waitingSince.set(groupId, sinceMs);
  if (nowMs - sinceMs < SETTLE_MS) return;
  memory.waitingSince.delete(groupId);
  const deploymentId = await ctx.store.transaction((tx) => deployToArrivals(ctx, tx, groupId));
  if (deploymentId === null) return;
  const { creator, instanceIds } = found.next;
  ctx.log.info('hosts that have come get the last good revision of their group', {
    ...{ groupName, groupId, deploymentId, creator, hosts: instanceIds.length },
  });
  await ctx.engine.step(deploymentId);
}

function sayGivenUp(
  ctx: ArrivalsWatchContext,
  { saidGivenUp }: Memory,
  group: DeploymentGroupRow,
  found: Found | null,
): void {
  for (const instanceId of found?.givenUp ?? []) {
    const key = `${group.last_successful_deployment_id} ${instanceId}`;
    if (saidGivenUp.has(key)) continue;
    saidGivenUp.add(key);
    ctx.log.warn(`a host gets the last good revision of its group no more: ${MAX_TRIES} deployments failed on it`, {
      ...{ host: found?.nameOf(instanceId), groupName: group.deployment_group_name },
      remedy: 'find out why by `slipway deployments show`, then `slipway deploy --outdated-only` to the group',
    });
  }
}

interface Found extends Arrivals {
  readonly good: DeploymentRow;
  nameOf(instanceId: string): string;
}

/** @returns null: the group has no successful deployment */
async function findArrivals(
  { asksAws = false }: Pick<ArrivalsWatchContext, 'asksAws'>,
  db: StoreReader,
  group: DeploymentGroupRow,
  nowMs: number,
): Promise<Found | null> {
  const { last_successful_deployment_id: goodId, deployment_group_id: id } = group;
  const good = goodId === null ? null : await findDeployment(db, goodId);
  if (good === null) return null;
  const ofGroup = JSON.parse(group.settings_json) as SettingsOfGroup;
  const membership = { ...settingsOf(ofGroup, {}), ...(asksAws ? fleetSettings(ofGroup, id) : {}) };
  const { filterLists, ec2FilterLists = [], fleetOf } = membership;
  const revision = identityOf(parseLocation(good.revision_json));
  const rows = new Map<string, Awaited<ReturnType<typeof instancesBehind>>[number]>();
  const back = await movedBack(db, group, { revision, asksAws });
  const limits = { heardOfSinceMs: nowMs - HEARD_OF_MS, limit: MAX_HOSTS, also: back };
  for (const lists of [filterLists, ec2FilterLists]) {
    for (const row of await instancesBehind(db, { id, filterLists: lists, revision }, limits)) {
      rows.set(row.instance_id, row);
    }
  }
  if (fleetOf !== undefined) {
    for (const row of await instancesBehind(db, { id, fleetOf, revision }, limits)) rows.set(row.instance_id, row);
  }
  const candidates = [...rows.values()].slice(0, MAX_HOSTS).map((row) => ({
    instanceId: row.instance_id,
    registeredAtMs: row.registered_at_ms,
    heardOfAtMs: row.last_polled_at_ms ?? 0,
    isMovedBack: back.includes(row.instance_id),
    state:
      row.health === null
        ? null
        : {
            ...{ health: row.health, revision_identity: row.revision_identity, left_at_ms: row.left_at_ms },
            ...{ is_missed: row.is_missed ?? 0, automatic: row.automatic, tries_of: row.tries_of },
            failed_tries: row.failed_tries ?? 0,
          },
  }));
  const { deployment_id: deploymentId, created_at_ms: createdAtMs, completed_at_ms } = good;
  const lastGood = { deploymentId, createdAtMs, completedAtMs: completed_at_ms ?? createdAtMs };
  const updates = ofGroup.outdatedInstancesStrategy !== 'IGNORE';
  const { next, givenUp } = arrivalsOf(candidates, { lastGood, updates }, nowMs);
  const isPaused = next !== null && nowMs < (await nextAutomaticAtMs(db, id));
  return {
    next: isPaused ? null : next,
    givenUp,
    good,
    nameOf: (instanceId) => rows.get(instanceId)?.instance_name ?? instanceId,
  };
}

/** @returns the id of the deployment; null: nothing is to be done any more, or somebody else deploys to the group */
async function deployToArrivals(
  ctx: ArrivalsWatchContext,
  tx: StoreTransaction,
  groupId: string,
): Promise<string | null> {
  const nowMs = ctx.clock.now();
  const group = await lockGroupById(tx, groupId);
  if (group === null || (await findActiveDeployment(tx, groupId)) !== null) return null;
  const found = await findArrivals(ctx, tx, group, nowMs);
  if (found === null || found.next === null) return null;
  const { next, good } = found;
  const application = await findApplicationById(tx, group.application_id);
  if (application === null) return null;
  const deploymentId = newDeploymentId(ctx.random);
  const names = { application: application.application_name, group };
  await insertDeployment(tx, rowOf(deploymentId, { ...names, asksAws: ctx.asksAws === true }, good, next, nowMs));
  if (next.followsLastGood) await noteFollower(tx, good, deploymentId);
  await updateGroup(tx, groupId, { last_attempted_deployment_id: deploymentId });
  await noteRevisionUse(tx, group.application_id, identityOf(parseLocation(good.revision_json)), nowMs);
  return deploymentId;
}

/** New hosts are out of service anyway, and begin together; those that are in service are taken one at a time. */
function rowOf(
  deploymentId: string,
  {
    application,
    group,
    asksAws,
  }: { readonly application: string; readonly group: DeploymentGroupRow; readonly asksAws: boolean },
  good: DeploymentRow,
  { creator, instanceIds, followsLastGood }: AutomaticDeployment,
  nowMs: number,
) {
  const { stop_rollback: _, diagnostics_deleted_at_ms: __, ...base } = good;
  const isLaunch = creator === 'autoscaling';
  const options: DeploymentOptions = followsLastGood
    ? { relatedDeployments: { autoUpdateOutdatedInstancesRootDeploymentId: good.deployment_id } }
    : {};
  const ofGroup = JSON.parse(group.settings_json) as SettingsOfGroup;
  const fleet = asksAws ? fleetSettings(ofGroup, group.deployment_group_id) : {};
  const settings = { ...settingsOf(ofGroup, {}), ...fleet };
  const alarms = watchedAlarms(ofGroup.alarmConfiguration, undefined);
  return {
    ...base,
    deployment_id: deploymentId,
    application_name: application,
    deployment_group_name: group.deployment_group_name,
    deployment_config_name: `CodeDeployDefault.${isLaunch ? 'AllAtOnce' : 'OneAtATime'}`,
    minimum_type: isLaunch ? 'FLEET_PERCENT' : 'MOST_CONCURRENCY',
    minimum_value: isLaunch ? 0 : 1,
    status: 'Created',
    previous_revision_json: good.revision_json,
    creator,
    description: `Brings the revision of deployment ${good.deployment_id} to hosts that have come.`,
    update_outdated_instances_only: 0,
    restart_of: null,
    options_json: JSON.stringify(options),
    // There is no older revision to go back to on hosts that do not even have this one.
    settings_json: JSON.stringify({ ...settings, rollbackEvents: [], only: instanceIds }),
    alarms_json: alarms === null ? null : JSON.stringify(alarms),
    created_at_ms: nowMs,
    started_at_ms: null,
    completed_at_ms: null,
    stop_requested_at_ms: null,
    error_code: null,
    error_message: null,
    wake_at_ms: nowMs,
  } as const;
}

/** How many of the deployments that follow one it names; more would make its record grow for ever. */
const MAX_FOLLOWERS = 100;

async function noteFollower(tx: StoreTransaction, good: DeploymentRow, deploymentId: string): Promise<void> {
  const options = parseOptions(good);
  const known = options.relatedDeployments?.autoUpdateOutdatedInstancesDeploymentIds ?? [];
  const relatedDeployments = {
    ...options.relatedDeployments,
    autoUpdateOutdatedInstancesDeploymentIds: [...known, deploymentId].slice(-MAX_FOLLOWERS),
  };
  const options_json = JSON.stringify({ ...options, relatedDeployments } satisfies DeploymentOptions);
  await updateDeployment(tx, good.deployment_id, { options_json });
}
