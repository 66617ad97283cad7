/** How a group is deployed to: in place, with or without load balancers. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { Input } from '../context.ts';
import { checkChoice, readObject, readText } from '../input.ts';

const TYPES = ['IN_PLACE', 'BLUE_GREEN'];
const OPTIONS = ['WITHOUT_TRAFFIC_CONTROL', 'WITH_TRAFFIC_CONTROL'];
const INVALID = 'InvalidDeploymentStyleException';

/** @throws ApiError InvalidDeploymentStyleException for a word that is unknown, and for what this server does not do */
export function checkStyle(input: Input): void {
  const style = readObject(input, 'deploymentStyle') ?? {};
  const type = checkChoice(
    readText(style, 'deploymentType') ?? 'IN_PLACE',
    'deploymentStyle.deploymentType',
    TYPES,
    INVALID,
  );
  const given = readText(style, 'deploymentOption') ?? 'WITHOUT_TRAFFIC_CONTROL';
  checkChoice(given, 'deploymentStyle.deploymentOption', OPTIONS, INVALID);
  if (type !== 'IN_PLACE') {
    throw new ApiError(
      INVALID,
      `deploymentStyle.deploymentType ${type} is not supported: this server deploys in place. Use IN_PLACE, or leave it out.`,
    );
  }
}

/** As groups and deployments show it. */
export function styleOf(controlsTraffic: boolean) {
  const deploymentOption = controlsTraffic ? 'WITH_TRAFFIC_CONTROL' : 'WITHOUT_TRAFFIC_CONTROL';
  return { deploymentType: 'IN_PLACE', deploymentOption } as const;
}
