/** A deployment that is stopped in its middle, while servers are killed. */
import { messageOf } from '../../../src/errors.ts';
import { aborted } from '../../../src/system/aborted.ts';
import type { Operator } from './operator.ts';
import type { Witness } from './witness.ts';

/**
 * Stops a deployment when the witness has counted so many steps.
 *
 * @param stopAfterSteps null: it is not stopped
 * @param over aborts when the deployment has ended
 * @returns whether the stop was accepted
 */
export async function askForStop(
  { operator, witness }: { readonly operator: Operator; readonly witness: Witness },
  { stopAfterSteps }: { readonly stopAfterSteps: number | null },
  deploymentId: string,
  over: AbortSignal,
): Promise<boolean> {
  if (stopAfterSteps === null) return false;
  await Promise.race([witness.afterSteps(stopAfterSteps), aborted(over)]);
  if (over.aborted) return false;
  try {
    await operator.ask((client) => client.call('StopDeployment', { deploymentId }));
    return true;
  } catch (error) {
    if (!/has ended/.test(messageOf(error))) witness.complain(`the stop was refused: ${messageOf(error)}`);
    return false;
  }
}
