import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { ManagementOperations } from '../../src/protocol/management/shapes.ts';
import { isAnswer, patiently } from './patience.ts';

/**
 * Makes the one deployment of a group, also where the server is killed before its answer is out. The first call of the deployment may be
 * quicker than that answer.
 *
 * @returns its id
 */
export async function createDeployment(
  client: () => ManagementClient,
  input: ManagementOperations['CreateDeployment']['input'],
): Promise<string> {
  const { applicationName, deploymentGroupName } = input;
  let deploymentId: string | undefined;
  let isAgain = false;
  await patiently(async () => {
    try {
      if (isAgain) {
        const { deployments = [] } = await client().call('ListDeployments', { applicationName, deploymentGroupName });
        // A rollback is younger.
        deploymentId = deployments.at(-1);
      }
      isAgain = true;
      deploymentId ??= (await client().call('CreateDeployment', input)).deploymentId;
    } catch (error) {
      if (isAnswer(error)) throw error;
    }
    return deploymentId !== undefined;
  });
  return deploymentId ?? '';
}
