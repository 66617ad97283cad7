/** Choices about a deployment now, by its state and by the rights of the key. Pure. */
import type { ManagementOperation } from '../../../protocol/management/shapes.ts';
import { type DeploymentInfo, isActive, revisionText } from '../../view/deployments.ts';

export type ActionName = 'stop' | 'stop-roll-back' | 'stop-now' | 'continue' | 'skip-wait' | 'retry' | 'roll-back';

/** Choices that end a wait: they stand beside the phase that waits. */
export const ENDS_WAITS: readonly ActionName[] = ['continue', 'skip-wait'];

export interface Choice {
  readonly name: ActionName;
  readonly label: string;
  /** Effect of the choice. */
  readonly effect: string;
}

interface PossibleChoice extends Choice {
  readonly operation: ManagementOperation;
  readonly isPossible: boolean;
}

/** @param may whether the key may call an operation */
export function choicesFor(info: DeploymentInfo, may: (operation: ManagementOperation) => boolean): Choice[] {
  return possibleChoices(info).filter(({ isPossible, operation }) => isPossible && may(operation));
}

function possibleChoices(info: DeploymentInfo): PossibleChoice[] {
  const runs = isActive(info.status);
  const isOver = !runs && info.revision !== undefined;
  const isWaitingToTerminate = runs && info.instanceTerminationWaitTimeStarted === true;
  const group = `${info.applicationName}/${info.deploymentGroupName}`;
  return [
    {
      ...{ name: 'continue', label: 'Continue', operation: 'ContinueDeployment', isPossible: info.status === 'Ready' },
      effect: 'The traffic of the original hosts is led to the replacement hosts now.',
    },
    {
      ...{
        name: 'skip-wait',
        label: 'End the wait',
        operation: 'ContinueDeployment',
        isPossible: isWaitingToTerminate,
      },
      effect: 'The original hosts are terminated now, and not after the wait.',
    },
    {
      ...{ name: 'stop', label: 'Stop', operation: 'StopDeployment', isPossible: runs },
      effect: 'No further host begins. Hosts that are at work end their event. What is installed stays.',
    },
    {
      ...{ name: 'stop-roll-back', label: 'Stop and roll back', operation: 'StopDeployment', isPossible: runs },
      effect: 'The deployment stops, and another one brings the last good revision back to the group.',
    },
    {
      ...{ name: 'stop-now', label: 'Stop without waiting', operation: 'StopDeploymentNow', isPossible: runs },
      effect: 'What runs ends as Failed at once. Scripts on hosts may go on until they end by themselves.',
    },
    {
      ...{ name: 'retry', label: 'Deploy again', operation: 'CreateDeployment', isPossible: isOver },
      effect: `A new deployment brings ${revisionText(info.revision)} to ${group} once more.`,
    },
    {
      ...{ name: 'roll-back', label: 'Roll back', operation: 'CreateDeployment' },
      isPossible: isOver && info.previousRevision !== undefined,
      effect: `A new deployment brings the revision before, ${revisionText(info.previousRevision)}, to ${group}.`,
    },
  ];
}
