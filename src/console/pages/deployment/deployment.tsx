/** One deployment while it runs and afterwards: a row for each target, its events, and what scripts wrote. */
import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import ProgressBar from '@cloudscape-design/components/progress-bar';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import { useChanges, useData, useEvery } from '../../api/use-data.ts';
import { PlaceLink } from '../../routing/location.tsx';
import {
  type DeploymentInfo,
  isActive,
  progressOf,
  progressText,
  revisionPlace,
  revisionText,
} from '../../view/deployments.ts';
import { Page } from '../../view/page.tsx';
import { Problem } from '../../view/problem.tsx';
import { Status } from '../../view/status.tsx';
import { Elapsed, Time } from '../../view/time.tsx';
import { Live } from '../dashboard.tsx';
import { Actions } from './actions.tsx';
import { ENDS_WAITS } from './choices.ts';
import { Course } from './course.tsx';
import { Phases } from './phases.tsx';
import { Targets } from './targets.tsx';
import { Traffic } from './traffic.tsx';
import { Waits } from './waits.tsx';

/** Limits of waits go on without a change of the rows. */
const WAITS_EVERY_MS = 5_000;
/** Where more targets wait, their waits are not read at each change. */
const MOST_WAITS_AT_ONCE = 100;
const FEW_TARGETS = 5;

export function Deployment({ id, target }: { readonly id: string; readonly target: string | null }) {
  const deployment = useData(`deployment ${id}`, async (signal) => {
    const { deploymentInfo } = await call('GetDeployment', { deploymentId: id }, signal);
    return deploymentInfo ?? null;
  });
  const info = deployment.data;
  const isRunning = isActive(info?.status);
  const hasTargets = info !== null && info.status !== 'Created' && info.status !== 'Queued';
  const isLarge = info !== null && progressOf(info).all > MOST_WAITS_AT_ONCE;
  const waits = useData(`waits ${id} ${isRunning && hasTargets}`, async (signal) =>
    isRunning && hasTargets ? (await call('DescribeDeploymentWaits', { deploymentId: id }, signal)).waits : [],
  );
  const progress = useData(`progress ${id} ${hasTargets}`, async (signal) =>
    hasTargets ? call('DescribeDeploymentProgress', { deploymentId: id }, signal) : null,
  );
  useEvery(WAITS_EVERY_MS, () => {
    if (!isRunning) return;
    waits.reload();
    progress.reload();
  });
  const [changes, setChanges] = useState(0);
  const isLive = useChanges(id, () => {
    setChanges((count) => count + 1);
    deployment.reload();
    progress.reload();
    if (isRunning && !isLarge) waits.reload();
  });
  // Few targets say in their own rows how far each is.
  const isCourseShown =
    (info !== null && progressOf(info).all > FEW_TARGETS) ||
    progress.data?.events.some(({ hook }) => hook !== undefined) === true;
  const phases = progress.data?.phases ?? [];
  const hasPhases = phases.length > 0;
  return (
    <Page
      title={id}
      description={<Live isLive={isLive} />}
      actions={
        info === null ? null : <Actions info={info} onDone={deployment.reload} except={hasPhases ? ENDS_WAITS : []} />
      }
    >
      <Problem what="The deployment cannot be shown" problem={deployment.problem} onRetry={deployment.reload} />
      {info === null ? null : <Messages info={info} />}
      {info === null ? null : <Summary info={info} />}
      {info === null ? null : <Phases phases={phases} info={info} onDone={deployment.reload} />}
      {progress.data?.traffic === undefined ? null : <Traffic traffic={progress.data.traffic} />}
      <Waits waits={waits.data ?? []} />
      {isCourseShown ? <Course events={progress.data?.events ?? []} /> : null}
      {info !== null && hasTargets ? <Targets id={id} info={info} chosen={target} changes={changes} /> : null}
      {info !== null && !hasTargets ? <NotBegun info={info} /> : null}
    </Page>
  );
}

function NotBegun({ info }: { readonly info: DeploymentInfo }) {
  return isActive(info.status) ? (
    <Alert type="info" header="The deployment has not begun">
      Its hosts are chosen when it begins. This takes a moment; alarms and other deployments of the group can hold it
      up.
    </Alert>
  ) : null;
}

function Messages({ info }: { readonly info: DeploymentInfo }) {
  const { errorInformation: error, deploymentStatusMessages: messages = [], rollbackInfo: rollback } = info;
  return (
    <SpaceBetween size="s">
      {error === undefined ? null : (
        <Alert type="error" header={error.code ?? 'The deployment failed'}>
          {error.message}
        </Alert>
      )}
      {messages.length === 0 ? null : (
        <Alert type={info.status === 'Failed' ? 'warning' : 'info'} header="The server says">
          {messages.map((message) => (
            <div key={message}>{message}</div>
          ))}
        </Alert>
      )}
      {rollback?.rollbackMessage === undefined && rollback?.rollbackDeploymentId === undefined ? null : (
        <Alert type="info" header="Rollback">
          <div>{rollback.rollbackMessage}</div>
          {rollback.rollbackDeploymentId === undefined ? null : (
            <div>
              Rolled back by{' '}
              <PlaceLink to={place(rollback.rollbackDeploymentId)}>{rollback.rollbackDeploymentId}</PlaceLink>
            </div>
          )}
          {rollback.rollbackTriggeringDeploymentId === undefined ? null : (
            <div>
              Takes back{' '}
              <PlaceLink to={place(rollback.rollbackTriggeringDeploymentId)}>
                {rollback.rollbackTriggeringDeploymentId}
              </PlaceLink>
            </div>
          )}
        </Alert>
      )}
    </SpaceBetween>
  );
}

function place(id: string) {
  return { page: 'deployment', id, target: null } as const;
}

function Summary({ info }: { readonly info: DeploymentInfo }) {
  const { applicationName: application = '', deploymentGroupName: group = '' } = info;
  const { done, all } = progressOf(info);
  return (
    <Container header={<Header variant="h2">Summary</Header>}>
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={4}
          items={[
            { label: 'Status', value: <Status status={info.status} /> },
            { label: 'Took', value: <Elapsed from={info.createTime} to={info.completeTime} /> },
            {
              label: 'Application',
              value: <PlaceLink to={{ page: 'application', application }}>{application}</PlaceLink>,
            },
            { label: 'Group', value: <PlaceLink to={{ page: 'group', application, group }}>{group}</PlaceLink> },
            { label: 'Configuration', value: info.deploymentConfigName ?? '–' },
            { label: 'Created', value: <Time seconds={info.createTime} /> },
            { label: 'Started', value: <Time seconds={info.startTime} /> },
            { label: 'Ended', value: <Time seconds={info.completeTime} /> },
            {
              label: 'Revision',
              value: (
                <PlaceLink to={revisionPlace(application, info.revision)}>{revisionText(info.revision)}</PlaceLink>
              ),
            },
            { label: 'Revision before', value: revisionText(info.previousRevision) },
            { label: 'Made by', value: info.creator ?? '–' },
            { label: 'Description', value: info.description ?? '–' },
          ]}
        />
        <ProgressBar
          label="Targets"
          value={all === 0 ? 0 : (done / all) * 100}
          status={isActive(info.status) ? 'in-progress' : info.status === 'Succeeded' ? 'success' : 'error'}
          resultText={`${info.status}: ${progressText(info)}`}
          additionalInfo={isActive(info.status) ? progressText(info) : ''}
        />
      </SpaceBetween>
    </Container>
  );
}
