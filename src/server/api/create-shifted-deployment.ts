/** CreateDeployment for Lambda and ECS: what it is given, checked, becomes a row with all that the deployment goes by. */

import { ApiError } from '../../protocol/errors.ts';
import type { ExceptionName } from '../../protocol/management/modelled-exceptions.ts';
import { parseLocation } from '../../protocol/management/revision-location.ts';
import { watchedAlarms } from '../engine/alarms.ts';
import { newDeploymentId } from '../engine/deployment-id.ts';
import { type DeploymentOptions, type DeploymentSettings, settingsOf } from '../engine/settings.ts';
import type { ShiftedPlatform } from '../engine/shifting/plan.ts';
import { scheduleOf } from '../engine/shifting/schedule.ts';
import { updateGroup } from '../store/deployment-groups.ts';
import { findDeployment, insertDeployment } from '../store/deployments.ts';
import { requireHeldApplication, requirePlatform } from './applications.ts';
import { requireDeployable } from './compute-platform.ts';
import { requireHeldConfig, type TrafficConfig } from './configs-in-use.ts';
import type { ApiContext, Input } from './context.ts';
import { requireLockedGroup } from './deployment-groups.ts';
import {
  APPLICATION,
  CONFIG,
  GROUP,
  readBoolean,
  readDescription,
  readName,
  readObject,
  readOptionalName,
  readText,
} from './input.ts';
import { readFileExistsBehavior, readOverrides, refuseWhileActive, useRevision } from './new-deployment.ts';
import { isEmpty } from './not-done.ts';
import { readRevision } from './revision-input.ts';
import type { GroupSettings } from './settings/group-settings.ts';
import { serviceOf } from './settings/service.ts';
import { shownWaits } from './settings/shifted-group.ts';

/** Options about hosts: each is refused where it asks for anything. */
const OF_HOSTS: readonly (readonly [string, ExceptionName])[] = [
  ['ignoreApplicationStopFailures', 'InvalidIgnoreApplicationStopFailuresValueException'],
  ['updateOutdatedInstancesOnly', 'InvalidUpdateOutdatedInstancesOnlyValueException'],
];

function readOptions(ctx: ApiContext, input: Input, platform: ShiftedPlatform): DeploymentOptions {
  for (const [member, type] of OF_HOSTS) {
    if (readBoolean(input, member) !== true) continue;
    throw new ApiError(type, `${member} is for hosts, and the application deploys to ${platform}. Leave it out.`);
  }
  if (!isEmpty(readObject(input, 'targetInstances'))) {
    const why = `targetInstances are hosts, and the application deploys to ${platform}. Leave it out.`;
    throw new ApiError('InvalidTargetInstancesException', why);
  }
  if (!isEmpty(readObject(input, 'ec2DeploymentOptions'))) {
    const why = `ec2DeploymentOptions is for hosts, and the application deploys to ${platform}. Leave it out.`;
    throw new ApiError('InvalidAutoScalingGroupProcessToSuspendException', why);
  }
  if ((readText(input, 'deploymentMode') ?? 'STANDARD') !== 'STANDARD') {
    const why = `deploymentMode must be STANDARD for ${platform}: there are no files that could be used again.`;
    throw new ApiError('InvalidInputException', why);
  }
  // Nothing is overwritten, whatever it says.
  readFileExistsBehavior(input);
  return readOverrides(ctx, input);
}

/** @returns the id of the deployment. Its first step is still to be taken */
export async function createShiftedDeployment(
  ctx: ApiContext,
  input: Input,
  platform: ShiftedPlatform,
): Promise<string> {
  const applicationName = readName(input, 'applicationName', APPLICATION);
  const groupName = readName(input, 'deploymentGroupName', GROUP);
  const configName = readOptionalName(input, 'deploymentConfigName', CONFIG);
  const description = readDescription(input);
  const given = readOptions(ctx, input, platform);
  const named = readObject(input, 'revision') === null ? null : readRevision(input, { path: 'revision', platform });
  const deploymentId = newDeploymentId(ctx.random);
  await ctx.store.transaction(async (tx) => {
    const application = requirePlatform(await requireHeldApplication(tx, applicationName), platform);
    requireDeployable(platform, ctx.asksAws);
    const group = await requireLockedGroup(tx, application, groupName);
    const config = await requireHeldConfig(tx, configName ?? group.deployment_config_name, platform);
    const { target_revision_json: known, last_successful_deployment_id: lastId } = group;
    const last = lastId === null ? null : await findDeployment(tx, lastId);
    const revision = named ?? (known === null ? null : parseLocation(known));
    if (revision === null) {
      throw new ApiError('RevisionRequiredException', 'The revision is missing, and the group has none yet. Name one.');
    }
    await refuseWhileActive(tx, group);
    const groupSettings = JSON.parse(group.settings_json) as GroupSettings;
    const { groupHooks } = groupSettings;
    const shown = shownOptions(groupSettings, platform, given);
    const settings = settingsOf(groupSettings, shown);
    const schedule = scheduleOf((config as TrafficConfig).routing, ctx.trafficMinuteMs);
    const service = platform === 'ECS' ? serviceOf(groupSettings, schedule) : null;
    const alarms = watchedAlarms(groupSettings.alarmConfiguration, given.overrideAlarmConfiguration);
    const nowMs = ctx.clock.now();
    const note = `Application revision registered by Deployment ID: ${deploymentId}`;
    await useRevision(tx, ctx, application.application_id, revision, note, nowMs);
    await insertDeployment(tx, {
      deployment_id: deploymentId,
      ...{ application_id: application.application_id, application_name: applicationName },
      ...{ deployment_group_id: group.deployment_group_id, deployment_group_name: groupName },
      deployment_config_name: config.name,
      // It has one target, and no hosts whose health counts.
      ...{ minimum_type: 'HOST_COUNT', minimum_value: 0 },
      status: 'Created',
      revision_json: JSON.stringify(revision),
      previous_revision_json: last?.revision_json ?? null,
      creator: 'user',
      description,
      ...{ file_exists_behavior: 'DISALLOW', ignore_application_stop_failures: 0, update_outdated_instances_only: 0 },
      options_json: JSON.stringify(shown),
      settings_json: JSON.stringify({
        ...settings,
        loadBalancerInfo: platform === 'Lambda' ? null : (groupSettings.loadBalancerInfo ?? null),
        shifted: {
          ...{ platform, schedule },
          ...(service === null ? {} : { service }),
          ...(groupHooks === undefined ? {} : { groupHooks }),
        },
      } satisfies DeploymentSettings),
      alarms_json: alarms === null ? null : JSON.stringify(alarms),
      ...{ created_at_ms: nowMs, started_at_ms: null, completed_at_ms: null, stop_requested_at_ms: null },
      ...{ error_code: null, error_message: null, wake_at_ms: nowMs },
    });
    await updateGroup(tx, group.deployment_group_id, {
      target_revision_json: JSON.stringify(revision),
      last_attempted_deployment_id: deploymentId,
    });
    // The entry of the audit log names what was made.
    return { deploymentId };
  });
  return deploymentId;
}

/** Returns the options that a deployment shows: those in force, also where they are the group's. */
function shownOptions(group: GroupSettings, platform: ShiftedPlatform, given: DeploymentOptions): DeploymentOptions {
  const { autoRollbackConfiguration } = group;
  return {
    ...(autoRollbackConfiguration === undefined ? {} : { autoRollbackConfiguration }),
    ...(platform === 'Lambda' ? {} : { blueGreenDeploymentConfiguration: shownWaits(group) }),
    ...given,
  };
}
