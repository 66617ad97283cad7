/** Buttons for what can be done about a deployment now. Each says what it will do before it does it. */
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { call, type Input, type Refusal } from '../../api/call.ts';
import { useSession } from '../../api/session-context.ts';
import { refusalOf } from '../../api/use-data.ts';
import { useLocation } from '../../routing/location.tsx';
import type { DeploymentInfo } from '../../view/deployments.ts';
import { Problem } from '../../view/problem.tsx';
import { type Choice, choicesFor } from './choices.ts';

interface ActionsProps {
  readonly info: DeploymentInfo;
  readonly onDone: () => void;
}

export function Actions({ info, onDone }: ActionsProps) {
  const { may } = useSession();
  const [chosen, setChosen] = useState<Choice | null>(null);
  return (
    <>
      <SpaceBetween direction="horizontal" size="xs">
        {choicesFor(info, may).map((choice) => (
          <Button key={choice.name} onClick={() => setChosen(choice)}>
            {choice.label}
          </Button>
        ))}
      </SpaceBetween>
      {chosen === null ? null : (
        <Confirm
          choice={chosen}
          info={info}
          onEnd={() => {
            setChosen(null);
            onDone();
          }}
        />
      )}
    </>
  );
}

interface ConfirmProps {
  readonly choice: Choice;
  readonly info: DeploymentInfo;
  readonly onEnd: () => void;
}

function Confirm({ choice, info, onEnd }: ConfirmProps) {
  const { go } = useLocation();
  const [problem, setProblem] = useState<Refusal | null>(null);
  const [isBusy, setBusy] = useState(false);
  const carryOut = async () => {
    setBusy(true);
    try {
      const made = await carryOutChoice(choice, info);
      onEnd();
      if (made !== null) go({ page: 'deployment', id: made, target: null });
    } catch (error) {
      setProblem(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <Modal
      visible
      header={`${choice.label}: ${info.deploymentId}`}
      closeAriaLabel="Close"
      onDismiss={onEnd}
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onEnd}>
              Cancel
            </Button>
            <Button variant="primary" loading={isBusy} onClick={() => void carryOut()}>
              {choice.label}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <Problem what="This was refused" problem={problem} />
        <Box>{choice.effect}</Box>
      </SpaceBetween>
    </Modal>
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
