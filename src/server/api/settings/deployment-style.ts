/** How a group is deployed to: in place, with or without load balancers, or from one fleet to another. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { Input } from '../context.ts';
import { checkChoice, readObject, readText } from '../input.ts';

const TYPES = ['IN_PLACE', 'BLUE_GREEN'];
const OPTIONS = ['WITHOUT_TRAFFIC_CONTROL', 'WITH_TRAFFIC_CONTROL'];
const INVALID = 'InvalidDeploymentStyleException';

/** @throws ApiError InvalidDeploymentStyleException for a word that is unknown, and for blue/green without load balancers */
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
  if (type === 'BLUE_GREEN' && given !== 'WITH_TRAFFIC_CONTROL') {
    throw new ApiError(
      INVALID,
      'deploymentStyle.deploymentType BLUE_GREEN moves traffic from one fleet to another: it needs deploymentOption WITH_TRAFFIC_CONTROL.',
    );
  }
}

/** As groups and deployments show it. */
export function styleOf(is: { readonly controlsTraffic: boolean; readonly isBlueGreen: boolean }) {
  return {
    deploymentType: is.isBlueGreen ? 'BLUE_GREEN' : 'IN_PLACE',
    deploymentOption: is.controlsTraffic ? 'WITH_TRAFFIC_CONTROL' : 'WITHOUT_TRAFFIC_CONTROL',
  } as const;
}
