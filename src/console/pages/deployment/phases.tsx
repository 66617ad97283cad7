/** Phases of a blue/green deployment: what is over, what goes on and until when, what comes; and the buttons that end its waits. */
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Steps from '@cloudscape-design/components/steps';
import type { PhaseRecord } from '../../../protocol/management/shapes.ts';
import type { DeploymentInfo } from '../../view/deployments.ts';
import { Elapsed, Time, useNow } from '../../view/time.tsx';
import { durationText } from '../../view/times.ts';
import { Actions } from './actions.tsx';
import { ENDS_WAITS } from './choices.ts';

const SIGNS: Readonly<Record<PhaseRecord['status'], StatusIndicatorProps.Type>> = {
  Pending: 'pending',
  InProgress: 'in-progress',
  Succeeded: 'success',
  Failed: 'error',
  Skipped: 'stopped',
};

const WORDS: Readonly<Record<PhaseRecord['status'], string>> = {
  Pending: 'To come',
  InProgress: 'Goes on',
  Succeeded: 'Over',
  Failed: 'Failed',
  Skipped: 'Left out',
};

interface PhasesProps {
  readonly phases: readonly PhaseRecord[];
  readonly info: DeploymentInfo;
  readonly onDone: () => void;
}

export function Phases({ phases, info, onDone }: PhasesProps) {
  if (phases.length === 0) return null;
  const what = info.computePlatform === 'ECS' ? 'task set' : 'hosts';
  return (
    <Container
      header={
        <Header variant="h2" actions={<Actions info={info} onDone={onDone} among={ENDS_WAITS} />}>
          Phases
        </Header>
      }
    >
      <Steps
        ariaLabel="Phases of the deployment"
        steps={phases.map((phase) => ({
          status: SIGNS[phase.status],
          statusIconAriaLabel: WORDS[phase.status],
          header: nameOf(phase.name, what),
          details: <Details phase={phase} />,
        }))}
      />
    </Container>
  );
}

function nameOf(name: PhaseRecord['name'], what: string): string {
  switch (name) {
    case 'Provision':
      return `Make the replacement ${what}`;
    case 'Install':
      return `Install the revision on the replacement ${what}`;
    case 'ReadyWait':
      return 'Wait for Continue';
    case 'Reroute':
      return 'Reroute the traffic';
    case 'TerminationWait':
      return `Keep the original ${what}, for a way back`;
    case 'Terminate':
      return `Terminate the original ${what}`;
  }
}

function Details({ phase: { status, startTime, endTime, untilTime } }: { readonly phase: PhaseRecord }) {
  const now = useNow();
  if (status === 'InProgress' && untilTime !== undefined) {
    return (
      <>
        Ends by itself at <Time seconds={untilTime} />, in {durationText(untilTime - now)}.
      </>
    );
  }
  if (status === 'InProgress') {
    return (
      <>
        Since <Elapsed from={startTime} to={undefined} />.
      </>
    );
  }
  if (startTime === undefined || endTime === undefined) return <>{WORDS[status]}.</>;
  return (
    <>
      Took <Elapsed from={startTime} to={endTime} />.
    </>
  );
}
