/** One host: how it is, which revisions it has, and what was deployed to it. */
import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { HostHistoryRecord, HostRecord, HostRevisionRecord } from '../../protocol/management/shapes.ts';
import { allPages, call } from '../api/call.ts';
import { hostNamed } from '../api/hosts.ts';
import { useSession } from '../api/session-context.ts';
import { type Loaded, useChanges, useData, useEvery } from '../api/use-data.ts';
import { asTheyAre, type Pages, usePages } from '../api/use-pages.ts';
import { PlaceLink } from '../routing/location.tsx';
import { revisionText } from '../view/deployments.ts';
import { Empty } from '../view/empty.tsx';
import { marksOf } from '../view/host-marks.ts';
import { ListTable, useListView } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Status } from '../view/status.tsx';
import { Ago, Time, useNow } from '../view/time.tsx';
import { HostState } from './hosts.tsx';

const EVERY_MS = 15_000;
const PAGE = 50;

export function Host({ name }: { readonly name: string }) {
  const { may } = useSession();
  const seesHosts = may('DescribeHosts');
  const host = useData(`host ${name}`, async (signal) => (seesHosts ? hostNamed(name, signal) : null));
  const revisions = useData(`revisions on ${name}`, (signal) =>
    allPages(
      (token) => call('ListHostRevisions', { instanceName: name, ...token }, signal),
      ({ entries }) => entries,
    ),
  );
  const load = (nextToken: string | undefined, signal: AbortSignal) => pageOfHistory(name, nextToken, signal);
  const history = usePages(`history of ${name}`, PAGE, load, asTheyAre);
  useEvery(EVERY_MS, host.reload);
  useChanges('deployments', () => {
    revisions.reload();
    history.reload();
  });
  return (
    <Page title={name} description="Host">
      <Problem what="The host cannot be shown" problem={host.problem} onRetry={host.reload} />
      {host.data === null ? null : <About host={host.data} />}
      {host.data === null && seesHosts && !host.isLoading && host.problem === null ? (
        <Alert type="warning" header="The server has no host of this name">
          It may have been registered under another name. The list of hosts has all of them.
        </Alert>
      ) : null}
      <Revisions revisions={revisions} />
      <History history={history} />
    </Page>
  );
}

async function pageOfHistory(instanceName: string, nextToken: string | undefined, signal: AbortSignal) {
  const token = nextToken === undefined ? {} : { nextToken };
  const answer = await call('ListHostHistory', { instanceName, ...token }, signal);
  return { entries: answer.entries, nextToken: answer.nextToken };
}

function About({ host }: { readonly host: HostRecord }) {
  const now = useNow();
  const marks = marksOf(host, now);
  return (
    <SpaceBetween size="l">
      {marks.map(({ mark, remedy }) => (
        <Alert key={mark + remedy} type="warning" header={mark}>
          {remedy}
        </Alert>
      ))}
      <Container header={<Header variant="h2">About</Header>}>
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'State', value: <HostState host={host} /> },
            { label: 'Last poll', value: <Ago seconds={host.lastPollTime} /> },
            { label: 'Agent', value: host.agentVersion ?? '–' },
            { label: 'Identity', value: host.hostArn },
            { label: 'Tags', value: host.tags.map(({ Key, Value }) => `${Key}=${Value}`).join(', ') || '–' },
          ]}
        />
      </Container>
    </SpaceBetween>
  );
}

function Revisions({ revisions }: { readonly revisions: Loaded<readonly HostRevisionRecord[]> }) {
  const nameOf = ({ applicationName, deploymentGroupName }: HostRevisionRecord) =>
    `${applicationName}/${deploymentGroupName}`;
  const view = useListView(revisions.data, nameOf);
  return (
    <ListTable<HostRevisionRecord>
      title="Revisions on this host"
      what="revisions"
      items={revisions.data === null ? null : view.shown}
      problem={revisions.problem}
      onRetry={revisions.reload}
      view={view}
      trackBy={nameOf}
      empty={<Empty title="The host has no revision" />}
      columns={[
        {
          id: 'group',
          header: 'Application / group',
          isRowHeader: true,
          cell: ({ applicationName: application, deploymentGroupName: group }) => (
            <PlaceLink to={{ page: 'group', application, group }}>{`${application} / ${group}`}</PlaceLink>
          ),
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

function History({ history }: { readonly history: Pages<HostHistoryRecord> }) {
  return (
    <ListTable<HostHistoryRecord>
      title="History"
      what="deployments"
      items={history.shown?.entries ?? null}
      problem={history.problem}
      onRetry={history.reload}
      pages={history}
      trackBy="deploymentId"
      empty={<Empty title="Nothing was deployed to this host yet" />}
      columns={[
        {
          id: 'id',
          header: 'Deployment',
          isRowHeader: true,
          cell: ({ deploymentId: id, instanceName: target }) => (
            <PlaceLink to={{ page: 'deployment', id, target }}>{id}</PlaceLink>
          ),
        },
        { id: 'status', header: 'Status', cell: ({ status }) => <Status status={status} /> },
        {
          id: 'group',
          header: 'Application / group',
          cell: (entry) => `${entry.applicationName} / ${entry.deploymentGroupName}`,
        },
        { id: 'revision', header: 'Revision', cell: ({ revision }) => revisionText(revision) },
        { id: 'when', header: 'When', cell: ({ statusTime }) => <Time seconds={statusTime} /> },
        {
          id: 'who',
          header: 'Made by',
          cell: ({ actorDescription, actor, creator }) => actorDescription || actor || creator,
        },
      ]}
    />
  );
}
