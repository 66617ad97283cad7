/** One deployment group: what it is set to, what its hosts have, what was deployed to it, and a new deployment. */
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import type { HostRevisionRecord } from '../../protocol/management/shapes.ts';
import { call, type Output } from '../api/call.ts';
import { listDeployments } from '../api/deployments.ts';
import { useSession } from '../api/session-context.ts';
import { useChanges, useData } from '../api/use-data.ts';
import { asTheyAre, type Pages, usePages } from '../api/use-pages.ts';
import { PlaceLink } from '../routing/location.tsx';
import { DeploymentTable } from '../view/deployment-table.tsx';
import { revisionText } from '../view/deployments.ts';
import { Command, Empty } from '../view/empty.tsx';
import { ListTable } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Status } from '../view/status.tsx';
import { Time } from '../view/time.tsx';
import { GroupActions } from './group-actions.tsx';
import { NewDeployment } from './new-deployment.tsx';

type GroupInfo = NonNullable<Output<'GetDeploymentGroup'>['deploymentGroupInfo']>;

const MOST_DEPLOYMENTS = 20;
const HOSTS_A_PAGE = 50;

export function Group({ application, group }: { readonly application: string; readonly group: string }) {
  const { may, reach } = useSession();
  const [isDeploying, setDeploying] = useState(false);
  const names = { applicationName: application, deploymentGroupName: group };
  const info = useData(`group ${application}/${group}`, async (signal) => {
    const { deploymentGroupInfo } = await call('GetDeploymentGroup', names, signal);
    return deploymentGroupInfo ?? null;
  });
  const deployments = useData(`deployments of ${application}/${group}`, (signal) =>
    listDeployments({ application, group }, MOST_DEPLOYMENTS, signal),
  );
  const loadHosts = async (nextToken: string | undefined, signal: AbortSignal) => {
    const token = nextToken === undefined ? {} : { nextToken };
    const answer = await call('ListHostRevisions', { ...names, ...token }, signal);
    return { entries: answer.entries, nextToken: answer.nextToken };
  };
  const hosts = usePages(`hosts of ${application}/${group}`, HOSTS_A_PAGE, loadHosts, asTheyAre);
  useChanges('deployments', () => {
    info.reload();
    deployments.reload();
    hosts.reload();
  });
  return (
    <Page
      title={group}
      description={
        <>
          Deployment group of <PlaceLink to={{ page: 'application', application }}>{application}</PlaceLink>
        </>
      }
      actions={
        reach.hasGroup(application, group) ? (
          <SpaceBetween direction="horizontal" size="xs">
            <GroupActions application={application} group={group} />
            {may('CreateDeployment') ? (
              <Button variant="primary" onClick={() => setDeploying(true)}>
                Deploy
              </Button>
            ) : null}
          </SpaceBetween>
        ) : null
      }
    >
      {isDeploying ? <NewDeployment application={application} group={group} onEnd={() => setDeploying(false)} /> : null}
      <Problem what="The group cannot be shown" problem={info.problem} onRetry={info.reload} />
      {info.data === null ? null : <Settings info={info.data} />}
      <DeploymentTable
        title="Newest deployments"
        deployments={deployments.data}
        problem={deployments.problem}
        leaveOut={['group']}
        empty={
          <Empty title="Nothing was deployed to this group yet">
            <Command>{`slipway deploy FOLDER --application ${application} --group ${group}`}</Command>
          </Empty>
        }
      />
      <Hosts pages={hosts} />
    </Page>
  );
}

function Settings({ info }: { readonly info: GroupInfo }) {
  const { deploymentStyle: style, autoRollbackConfiguration: rollback, alarmConfiguration: alarms } = info;
  const filters = [...(info.onPremisesInstanceTagFilters ?? []), ...(info.ec2TagFilters ?? [])];
  const sets = [...(info.onPremisesTagSet?.onPremisesTagSetList ?? []), ...(info.ec2TagSet?.ec2TagSetList ?? [])];
  const tags =
    sets.length > 0
      ? sets.map((set) => set.map(tagText).join(' or ')).join('; and ')
      : filters.map(tagText).join(' or ');
  const events = rollback?.enabled === true ? (rollback.events ?? []).join(', ') : 'off';
  return (
    <Container header={<Header variant="h2">Settings</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Configuration', value: info.deploymentConfigName ?? '–' },
          { label: 'Hosts by tags', value: tags === '' ? '–' : tags },
          {
            label: 'Deployment style',
            value: style === undefined ? '–' : `${style.deploymentType}, ${style.deploymentOption}`,
          },
          { label: 'Automatic rollback', value: events },
          { label: 'Alarms', value: (alarms?.alarms ?? []).map(({ name }) => name).join(', ') || 'none' },
          {
            label: 'Triggers',
            value: (info.triggerConfigurations ?? []).map(({ triggerName }) => triggerName).join(', ') || 'none',
          },
          {
            label: 'Auto Scaling groups',
            value: (info.autoScalingGroups ?? []).map(({ name }) => name).join(', ') || 'none',
          },
          { label: 'Target revision', value: revisionText(info.targetRevision) },
          { label: 'Hosts that are outdated', value: info.outdatedInstancesStrategy ?? 'UPDATE' },
        ]}
      />
    </Container>
  );
}

interface TagFilter {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
  readonly Type?: string | undefined;
}

function tagText({ Key, Value, Type }: TagFilter): string {
  switch (Type) {
    case 'KEY_ONLY':
      return `${Key}=*`;
    case 'VALUE_ONLY':
      return `*=${Value}`;
    default:
      return `${Key}=${Value}`;
  }
}

function Hosts({ pages }: { readonly pages: Pages<HostRevisionRecord> }) {
  return (
    <ListTable<HostRevisionRecord>
      title="Revisions on hosts"
      what="hosts"
      items={pages.shown?.entries ?? null}
      problem={pages.problem}
      onRetry={pages.reload}
      pages={pages}
      trackBy="instanceName"
      empty={<Empty title="No host has a revision of this group yet" />}
      columns={[
        {
          id: 'host',
          header: 'Host',
          isRowHeader: true,
          cell: ({ instanceName: name }) => <PlaceLink to={{ page: 'host', name }}>{name}</PlaceLink>,
        },
        {
          id: 'revision',
          header: 'Revision',
          cell: ({ revision }) =>
            revision === undefined ? 'not known: the last deployment failed here' : revisionText(revision),
        },
        {
          id: 'health',
          header: 'Last deployment',
          cell: ({ health }) => <Status status={health === 'healthy' ? 'Succeeded' : 'Failed'} />,
        },
        { id: 'since', header: 'Since', cell: ({ sinceTime }) => <Time seconds={sinceTime} /> },
      ]}
    />
  );
}
