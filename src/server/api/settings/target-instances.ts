/** The replacement instances of a blue/green deployment: `targetInstances` of CreateDeployment. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { TargetInstances } from '../../engine/hosts/blue-green-plan.ts';
import { isBlueGreen, type SettingsOfGroup } from '../../engine/settings.ts';
import type { Input } from '../context.ts';
import { readList, readObject, requireBatch, requireText } from '../input.ts';
import { isEmpty } from '../not-done.ts';
import { checkTagForms, type TagForms } from './tag-filters.ts';

const MEMBER = 'targetInstances';
const INVALID = 'InvalidTargetInstancesException';
const FORMS: TagForms = {
  ...{ flat: 'tagFilters', set: 'ec2TagSet', setList: 'ec2TagSetList' },
  ...{ both: INVALID, invalid: INVALID, tooMany: INVALID },
};

/** As many as a group may have. */
const MAX_GROUPS = 10;
/** In characters, as Auto Scaling has it. */
const MAX_NAME = 255;

/** @returns null: absent, or nothing is in it @throws ApiError InvalidTargetInstancesException */
export function readTargetInstances(input: Input, asksAws: boolean): TargetInstances | null {
  const given = readObject(input, MEMBER);
  if (given === null) return null;
  const autoScalingGroups = readAutoScalingGroups(given, asksAws);
  checkTagForms(given, FORMS, `${MEMBER}.`);
  const { tagFilters, ec2TagSet } = given as TargetInstances;
  const filters = isEmpty(ec2TagSet) ? (isEmpty(tagFilters) ? {} : { tagFilters }) : { ec2TagSet };
  const read = autoScalingGroups.length === 0 ? filters : { ...filters, autoScalingGroups };
  return Object.keys(read).length === 0 ? null : read;
}

function readAutoScalingGroups(given: Input, asksAws: boolean): readonly string[] {
  const path = `${MEMBER}.autoScalingGroups`;
  const list = readList(given, 'autoScalingGroups') ?? [];
  if (list.length === 0) return [];
  if (!asksAws) {
    throw new ApiError(
      INVALID,
      `${path} is not acted upon: this server asks no AWS (--aws-region), and replacement instances are found by the tags with which they are enrolled. Use tagFilters or ec2TagSet.`,
    );
  }
  requireBatch(list, path, MAX_GROUPS, INVALID);
  return list.map((entry, index) => {
    const name = requireText(entry, `${path}[${index}]`);
    if (name.length > 0 && name.length <= MAX_NAME) return name;
    throw new ApiError(INVALID, `${path}[${index}] must have 1 to ${MAX_NAME} characters, but has ${name.length}.`);
  });
}

/** Options of a deployment besides its hosts. */
export interface AskedFor {
  readonly isRestart: boolean;
  readonly updateOutdatedInstancesOnly: boolean;
  readonly hasZones: boolean;
}

/**
 * @param group that is deployed to
 * @throws ApiError InvalidTargetInstancesException where there are some and may be none, or the other way round;
 *   InvalidUpdateOutdatedInstancesOnlyValueException, InvalidInputException for what blue/green deployments do not have
 */
export function checkReplacement(group: SettingsOfGroup, targets: TargetInstances | null, asked: AskedFor): void {
  if (!isBlueGreen(group)) {
    if (targets === null) return;
    throw new ApiError(
      INVALID,
      `${MEMBER} are for blue/green deployments; the deployment group deploys in place, to its own hosts. Leave it out.`,
    );
  }
  if (targets === null) {
    throw new ApiError(
      INVALID,
      `${MEMBER} is missing: a blue/green deployment needs its replacement instances, in tagFilters, ec2TagSet or autoScalingGroups.`,
    );
  }
  if (asked.updateOutdatedInstancesOnly) {
    throw new ApiError(
      'InvalidUpdateOutdatedInstancesOnlyValueException',
      'updateOutdatedInstancesOnly must not be true in a blue/green deployment: each replacement instance takes traffic.',
    );
  }
  if (asked.isRestart) {
    throw new ApiError('InvalidInputException', 'deploymentMode RESTART is for deployments in place.');
  }
  if (asked.hasZones) {
    throw new ApiError(
      'InvalidInputException',
      'A deployment configuration with zones (zonalConfig) is for deployments in place. Name another one in deploymentConfigName.',
    );
  }
}

/** @throws ApiError InvalidTargetInstancesException: the copy of the group's Auto Scaling group is the replacement */
export function refuseTargetsOfCopy(targets: TargetInstances | null, asksAws: boolean): void {
  if (targets !== null) {
    throw new ApiError(
      INVALID,
      `${MEMBER} must be left out: the deployment group copies its Auto Scaling group (COPY_AUTO_SCALING_GROUP), and the copy is the replacement.`,
    );
  }
  if (asksAws) return;
  throw new ApiError(
    'InvalidBlueGreenDeploymentConfigurationException',
    'The deployment group copies its Auto Scaling group (COPY_AUTO_SCALING_GROUP), and this server asks no AWS: start it with --aws-region, as before.',
  );
}
