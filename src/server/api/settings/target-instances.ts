/** The replacement instances of a blue/green deployment: `targetInstances` of CreateDeployment. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { TargetInstances } from '../../engine/hosts/blue-green-plan.ts';
import { isBlueGreen, type SettingsOfGroup } from '../../engine/settings.ts';
import type { Input } from '../context.ts';
import { readList, readObject } from '../input.ts';
import { isEmpty } from '../not-done.ts';
import { checkTagForms, type TagForms } from './tag-filters.ts';

const MEMBER = 'targetInstances';
const INVALID = 'InvalidTargetInstancesException';
/** They match the tags of enrolled hosts, also where the server asks AWS what a group's EC2 filters match. */
const FORMS: TagForms = {
  ...{ flat: 'tagFilters', set: 'ec2TagSet', setList: 'ec2TagSetList' },
  ...{ both: INVALID, invalid: INVALID, tooMany: INVALID },
};

/** @returns null: absent, or nothing is in it @throws ApiError InvalidTargetInstancesException */
export function readTargetInstances(input: Input): TargetInstances | null {
  const given = readObject(input, MEMBER);
  if (given === null) return null;
  if (!isEmpty(readList(given, 'autoScalingGroups'))) {
    throw new ApiError(
      INVALID,
      `${MEMBER}.autoScalingGroups is not acted upon: replacement instances are found by the tags with which they are enrolled. Use tagFilters or ec2TagSet.`,
    );
  }
  checkTagForms(given, FORMS, `${MEMBER}.`);
  const { tagFilters, ec2TagSet } = given as TargetInstances;
  if (!isEmpty(ec2TagSet)) return { ec2TagSet };
  return isEmpty(tagFilters) ? null : { tagFilters };
}

/** What a deployment asks for, beside its hosts. */
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
      `${MEMBER} is missing: a blue/green deployment needs the tags of its replacement instances, in tagFilters or ec2TagSet.`,
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
