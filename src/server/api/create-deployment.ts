/** CreateDeployment: what it is given, checked, becomes a row with all that the deployment goes by. */

import { ApiError } from '../../protocol/errors.ts';
import { parseLocation } from '../../protocol/management/revision-location.ts';
import { watchedAlarms } from '../engine/alarms.ts';
import { newDeploymentId } from '../engine/deployment-id.ts';
import {
  type CopiedGroup,
  type Hands,
  madeFor,
  type TargetInstances,
  withCopy,
  withEc2,
  withGreenInAws,
  withHands,
} from '../engine/hosts/blue-green-plan.ts';
import { asksAwsForGreen, copiedGroupOf, fleetSettings } from '../engine/hosts/fleet.ts';
import { suspendsFor } from '../engine/hosts/suspension.ts';
import { type DeploymentOptions, type DeploymentSettings, isBlueGreen, settingsOf } from '../engine/settings.ts';
import { updateGroup } from '../store/deployment-groups.ts';
import { findDeployment, insertDeployment } from '../store/deployments.ts';
import { platformOf, requireHeldApplication, requirePlatform } from './applications.ts';
import { requireHostConfig } from './configs-in-use.ts';
import type { ApiContext, Input } from './context.ts';
import { requireLockedGroup } from './deployment-groups.ts';
import {
  APPLICATION,
  CONFIG,
  checkChoice,
  GROUP,
  readBoolean,
  readDescription,
  readName,
  readObject,
  readOptionalName,
  readText,
} from './input.ts';
import {
  type FileExistsBehavior,
  readFileExistsBehavior,
  readOverrides,
  refuseWhileActive,
  useRevision,
} from './new-deployment.ts';
import { readRevision } from './revision-input.ts';
import type { GroupSettings } from './settings/group-settings.ts';
import { checkTrafficControl } from './settings/load-balancers.ts';
import { checkSuspensionInPlace, readSuspendedProcesses } from './settings/suspended-processes.ts';
import { checkReplacement, readTargetInstances, refuseTargetsOfCopy } from './settings/target-instances.ts';
import { zonalSettings } from './settings/zonal-config.ts';

const MODES = ['STANDARD', 'RESTART'] as const;

interface CreateOptions {
  readonly fileExistsBehavior: FileExistsBehavior;
  readonly ignoreApplicationStopFailures: boolean;
  readonly updateOutdatedInstancesOnly: boolean;
  readonly isRestart: boolean;
  /** null: the request names none. */
  readonly targetInstances: TargetInstances | null;
  readonly shown: DeploymentOptions;
}

function readOptions(ctx: ApiContext, input: Input): CreateOptions {
  const fileExistsBehavior = readFileExistsBehavior(input);
  const updateOutdatedInstancesOnly = readBoolean(input, 'updateOutdatedInstancesOnly') ?? false;
  const overrides = readOverrides(ctx, input);
  const suspended = readSuspendedProcesses(input);
  const targetInstances = readTargetInstances(input, ctx.asksAws);
  return {
    fileExistsBehavior,
    ignoreApplicationStopFailures: readBoolean(input, 'ignoreApplicationStopFailures') ?? false,
    updateOutdatedInstancesOnly,
    isRestart: readIsRestart(input, updateOutdatedInstancesOnly),
    targetInstances,
    shown: {
      ...overrides,
      ...(suspended === null ? {} : { ec2DeploymentOptions: suspended }),
    },
  };
}

/**
 * @returns whether the mode is RESTART: the revision of the group's last successful deployment once more, from the files that its hosts have
 * @throws ApiError InvalidInputException for another mode. For a restart: InvalidRevisionException when the caller also names a revision,
 * and InvalidUpdateOutdatedInstancesOnlyValueException, because that option would leave out all hosts of a restart
 */
function readIsRestart(input: Input, updateOutdatedInstancesOnly: boolean): boolean {
  const given = readText(input, 'deploymentMode') ?? 'STANDARD';
  const mode = checkChoice(given, 'deploymentMode', MODES, 'InvalidInputException');
  if (mode === 'STANDARD') return false;
  if (readObject(input, 'revision') !== null) {
    throw new ApiError(
      'InvalidRevisionException',
      'A deployment of mode RESTART takes no revision: it is that of the last successful deployment of the group.',
    );
  }
  if (updateOutdatedInstancesOnly) {
    throw new ApiError(
      'InvalidUpdateOutdatedInstancesOnlyValueException',
      'updateOutdatedInstancesOnly must not be true with the deploymentMode RESTART.',
    );
  }
  return true;
}

/** @returns the id of the deployment. Its first step is still to be taken */
export async function createDeployment(ctx: ApiContext, input: Input): Promise<string> {
  const applicationName = readName(input, 'applicationName', APPLICATION);
  const groupName = readName(input, 'deploymentGroupName', GROUP);
  const configName = readOptionalName(input, 'deploymentConfigName', CONFIG);
  const description = readDescription(input);
  const options = readOptions(ctx, input);
  const platform = await platformOf(ctx.store.db, applicationName);
  const given = readObject(input, 'revision') === null ? null : readRevision(input, { path: 'revision', platform });
  const deploymentId = newDeploymentId(ctx.random);
  const made = await ctx.store.transaction(async (tx) => {
    const application = requirePlatform(await requireHeldApplication(tx, applicationName), platform);
    const group = await requireLockedGroup(tx, application, groupName);
    const config = await requireHostConfig(tx, configName ?? group.deployment_config_name);
    const last =
      group.last_successful_deployment_id === null
        ? null
        : await findDeployment(tx, group.last_successful_deployment_id);
    const known = options.isRestart ? (last?.revision_json ?? null) : group.target_revision_json;
    const revision = given ?? (known === null ? null : parseLocation(known));
    if (revision === null) {
      throw new ApiError(
        'RevisionRequiredException',
        options.isRestart
          ? 'deploymentMode RESTART has nothing to restart: the group has no successful deployment yet.'
          : 'The revision is missing, and the group has none yet. Name one.',
      );
    }
    await refuseWhileActive(tx, group);
    const groupSettings = JSON.parse(group.settings_json) as GroupSettings;
    checkTrafficControl(groupSettings, ctx.balancers);
    checkSuspensionInPlace(options.shown.ec2DeploymentOptions ?? null, groupSettings);
    const hands = ctx.handsOf(applicationName, groupName);
    const copied = copiedGroupOf(groupSettings, { groupName, deploymentId });
    if (copied !== null) refuseTargetsOfCopy(options.targetInstances, ctx.asksAws);
    const isMade = isBlueGreen(groupSettings) && hands.provision && copied === null;
    const made = copied === null ? (isMade ? madeFor(deploymentId) : null) : { autoScalingGroups: [copied.copy] };
    const targetInstances = options.targetInstances ?? made;
    checkReplacement(groupSettings, targetInstances, { ...options, hasZones: config.zonal !== null });
    const shown = shownOptions(groupSettings, { ...options, targetInstances });
    const settings = settingsOf(groupSettings, shown);
    // Hosts that a program makes are found by the tags with which they enrol.
    const isGreenInAws = ctx.asksAws && !isMade && asksAwsForGreen(groupSettings, targetInstances);
    const alarms = watchedAlarms(groupSettings.alarmConfiguration, options.shown.overrideAlarmConfiguration);
    const nowMs = ctx.clock.now();
    const note = `Application revision registered by Deployment ID: ${deploymentId}`;
    await useRevision(tx, ctx, application.application_id, revision, note, nowMs);
    await insertDeployment(tx, {
      deployment_id: deploymentId,
      application_id: application.application_id,
      application_name: applicationName,
      deployment_group_id: group.deployment_group_id,
      deployment_group_name: groupName,
      deployment_config_name: config.name,
      minimum_type: config.minimum.type,
      minimum_value: config.minimum.value,
      status: 'Created',
      revision_json: JSON.stringify(revision),
      previous_revision_json: last?.revision_json ?? null,
      creator: 'user',
      description,
      file_exists_behavior: options.fileExistsBehavior,
      ignore_application_stop_failures: options.ignoreApplicationStopFailures ? 1 : 0,
      update_outdated_instances_only: options.updateOutdatedInstancesOnly ? 1 : 0,
      restart_of: options.isRestart ? (last?.deployment_id ?? null) : null,
      options_json: JSON.stringify(shown),
      settings_json: JSON.stringify({
        ...settings,
        ...planOf(settings, { hands, copied, inAws: isGreenInAws ? targetInstances : null, asksAws: ctx.asksAws }),
        ...(ctx.asksAws ? fleetSettings(groupSettings, group.deployment_group_id) : {}),
        ...(ctx.asksAws ? suspendsFor(groupSettings, shown) : {}),
        ...(config.zonal === null ? {} : { zonal: zonalSettings(config.zonal, ctx.zoneTag) }),
      } satisfies DeploymentSettings),
      alarms_json: alarms === null ? null : JSON.stringify(alarms),
      created_at_ms: nowMs,
      started_at_ms: null,
      completed_at_ms: null,
      stop_requested_at_ms: null,
      error_code: null,
      error_message: null,
      wake_at_ms: nowMs,
    });
    await updateGroup(tx, group.deployment_group_id, {
      target_revision_json: JSON.stringify(revision),
      last_attempted_deployment_id: deploymentId,
    });
    return { deploymentId };
  });
  return made.deploymentId;
}

/** Where the replacement hosts come from. */
interface Replacement {
  readonly hands: Hands;
  /** The Auto Scaling group that is copied; null: none is. */
  readonly copied: CopiedGroup | null;
  /** Replacement hosts that AWS is asked for; null: enrolled hosts have their tags. */
  readonly inAws: TargetInstances | null;
  readonly asksAws: boolean;
}

function planOf({ blueGreen: plan }: DeploymentSettings, { hands, copied, inAws, asksAws }: Replacement) {
  if (plan?.course !== 'blue-green') return {};
  if (copied !== null) return { blueGreen: withCopy(plan, copied) };
  const handled = withHands(plan, hands);
  const whole = asksAws ? withEc2(handled) : handled;
  return { blueGreen: inAws === null ? whole : withGreenInAws(whole, inAws) };
}

/** Returns the options that a deployment shows: those in force, also where they are the group's. */
function shownOptions(group: GroupSettings, { shown, targetInstances }: CreateOptions): DeploymentOptions {
  const { autoRollbackConfiguration, blueGreenDeploymentConfiguration = {}, ec2DeploymentOptions } = group;
  return {
    ...(ec2DeploymentOptions === undefined || isBlueGreen(group) ? {} : { ec2DeploymentOptions }),
    ...(autoRollbackConfiguration === undefined ? {} : { autoRollbackConfiguration }),
    ...(isBlueGreen(group) ? { blueGreenDeploymentConfiguration } : {}),
    ...(targetInstances === null ? {} : { targetInstances }),
    ...shown,
  };
}
