/** How a group goes from one fleet to another: `blueGreenDeploymentConfiguration`. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import { LONGEST_WAIT_MS } from '../../engine/limits.ts';
import { autoScalingGroupsOf, copiesGroup, isBlueGreen, type SettingsOfGroup } from '../../engine/settings.ts';
import type { Input } from '../context.ts';
import { checkChoice, readObject, readText } from '../input.ts';
import { isEmpty } from '../not-done.ts';

const MEMBER = 'blueGreenDeploymentConfiguration';
const INVALID = 'InvalidBlueGreenDeploymentConfigurationException';
const MAX_MINUTES = LONGEST_WAIT_MS / 60_000;

/** The parts of the configuration, each with its words and its wait. */
const PARTS = {
  terminateBlueInstancesOnDeploymentSuccess: {
    choice: 'action',
    words: ['TERMINATE', 'KEEP_ALIVE'],
    wait: 'terminationWaitTimeInMinutes',
  },
  deploymentReadyOption: {
    choice: 'actionOnTimeout',
    words: ['CONTINUE_DEPLOYMENT', 'STOP_DEPLOYMENT'],
    wait: 'waitTimeInMinutes',
  },
  greenFleetProvisioningOption: {
    choice: 'action',
    words: ['DISCOVER_EXISTING', 'COPY_AUTO_SCALING_GROUP'],
    wait: null,
  },
} as const;

/** @throws ApiError InvalidBlueGreenDeploymentConfigurationException for a word or a time that there is not */
export function checkBlueGreen(input: Input): void {
  const configuration = readObject(input, MEMBER) ?? {};
  for (const [name, { choice, words, wait }] of Object.entries(PARTS)) {
    const part = readObject(configuration, name) ?? {};
    const word = readText(part, choice);
    if (word !== null) checkChoice(word, `${MEMBER}.${name}.${choice}`, words, INVALID);
    if (wait === null) continue;
    const minutes = part[wait];
    if (minutes !== undefined && minutes !== null && !isMinutes(minutes)) {
      const shown = JSON.stringify(minutes);
      throw invalid(`${MEMBER}.${name}.${wait} must be whole minutes from 0 to ${MAX_MINUTES}, but is ${shown}.`);
    }
  }
  const ready = readObject(configuration, 'deploymentReadyOption') ?? {};
  if (ready['waitTimeInMinutes'] && readText(ready, 'actionOnTimeout') !== 'STOP_DEPLOYMENT') {
    // As the hosted service says it: clients look for the text.
    throw invalid("Deployment ready action cannot be set to 'CONTINUE_DEPLOYMENT' when timeout is specified");
  }
}

/**
 * @param settings as they are after a request
 * @param isGiven whether the request has a configuration
 * @throws ApiError InvalidBlueGreenDeploymentConfigurationException for what does not go with the rest of the settings
 */
export function checkBlueGreenFits(settings: SettingsOfGroup, isGiven: boolean, asksAws: boolean): void {
  const configuration = settings.blueGreenDeploymentConfiguration;
  if (!isBlueGreen(settings)) {
    if (!isGiven || isEmpty(configuration)) return;
    throw invalid(
      `${MEMBER} is for blue/green deployments, and the group deploys in place. Leave it out, or set deploymentStyle.deploymentType BLUE_GREEN.`,
    );
  }
  if (configuration === undefined) {
    throw invalid(`deploymentStyle.deploymentType BLUE_GREEN needs a ${MEMBER}, which may be empty.`);
  }
  if (!copiesGroup(settings)) return;
  const count = autoScalingGroupsOf(settings).length;
  if (count === 1 && asksAws) return;
  const why =
    count === 1
      ? 'This server asks no AWS (--aws-region): use DISCOVER_EXISTING, and name the replacement instances in targetInstances of each deployment.'
      : `The deployment group has ${count}.`;
  // As the hosted service says it: clients look for the text.
  throw invalid(
    `Exactly one AutoScaling group must be specified when selecting the COPY_AUTO_SCALING_GROUP green fleet provisioning option. ${why}`,
  );
}

function isMinutes(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_MINUTES;
}

function invalid(why: string): ApiError {
  return new ApiError(INVALID, why);
}
