/** Buttons for what can be done about a deployment now. Each says what it will do before it does it. */
import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { call, type Input } from '../../api/call.ts';
import { useSession } from '../../api/session-context.ts';
import { useLocation } from '../../routing/location.tsx';
import { Confirm } from '../../view/confirm.tsx';
import type { DeploymentInfo } from '../../view/deployments.ts';
import { type ActionName, type Choice, choicesFor } from './choices.ts';

interface ActionsProps {
  readonly info: DeploymentInfo;
  readonly onDone: () => void;
  /** Only these choices. */
  readonly among?: readonly ActionName[];
  /** All choices but these. */
  readonly except?: readonly ActionName[];
}

export function Actions({ info, onDone, among, except = [] }: ActionsProps) {
  const { may } = useSession();
  const { go } = useLocation();
  const [chosen, setChosen] = useState<Choice | null>(null);
  const choices = choicesFor(info, may).filter(({ name }) => (among?.includes(name) ?? true) && !except.includes(name));
  return (
    <>
      <SpaceBetween direction="horizontal" size="xs">
        {choices.map((choice) => (
          <Button key={choice.name} onClick={() => setChosen(choice)}>
            {choice.label}
          </Button>
        ))}
      </SpaceBetween>
      {chosen === null ? null : (
        <Confirm
          title={`${chosen.label}: ${info.deploymentId}`}
          effect={chosen.effect}
          label={chosen.label}
          carryOut={async () => {
            const made = await carryOutChoice(chosen, info);
            if (made !== null) go({ page: 'deployment', id: made, target: null });
          }}
          onEnd={() => {
            setChosen(null);
            onDone();
          }}
        />
      )}
    </>
  );
}

/** @returns the id of the deployment that was made; null: none was */
async function carryOutChoice({ name }: Choice, info: DeploymentInfo): Promise<string | null> {
  const deploymentId = info.deploymentId ?? '';
  switch (name) {
    case 'stop':
    case 'stop-roll-back':
      await call('StopDeployment', { deploymentId, autoRollbackEnabled: name === 'stop-roll-back' });
      return null;
    case 'stop-now':
      await call('StopDeploymentNow', { deploymentId });
      return null;
    case 'continue':
      await call('ContinueDeployment', { deploymentId, deploymentWaitType: 'READY_WAIT' });
      return null;
    case 'skip-wait':
      await call('ContinueDeployment', { deploymentId, deploymentWaitType: 'TERMINATION_WAIT' });
      return null;
    case 'retry':
    case 'roll-back': {
      const made = await call(
        'CreateDeployment',
        again(info, name === 'retry' ? info.revision : info.previousRevision),
      );
      return made.deploymentId ?? null;
    }
  }
}

function again(info: DeploymentInfo, revision: DeploymentInfo['revision']): Input<'CreateDeployment'> {
  const { applicationName, deploymentGroupName, deploymentConfigName, fileExistsBehavior, deploymentId } = info;
  return {
    applicationName,
    deploymentGroupName,
    revision,
    description: `After ${deploymentId}, from the console`,
    ...(deploymentConfigName === undefined ? {} : { deploymentConfigName }),
    ...(fileExistsBehavior === undefined ? {} : { fileExistsBehavior }),
  };
}
