/** How a group is deployed to: in place, and without traffic being moved. Pure. */
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
  const option = checkChoice(given, 'deploymentStyle.deploymentOption', OPTIONS, INVALID);
  if (type !== 'IN_PLACE') {
    throw new ApiError(
      INVALID,
      `deploymentStyle.deploymentType ${type} is not supported: this server deploys in place. Use IN_PLACE, or leave it out.`,
    );
  }
  if (option !== 'WITHOUT_TRAFFIC_CONTROL') {
    throw new ApiError(
      INVALID,
      `deploymentStyle.deploymentOption ${option} is not supported: this server controls no load balancers. Scripts of ApplicationStop and ApplicationStart can.`,
    );
  }
}
