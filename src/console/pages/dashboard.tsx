/** What an operator wants to know first: what runs, what failed last, and which hosts are not heard of. */
import Box from '@cloudscape-design/components/box';
import ColumnLayout from '@cloudscape-design/components/column-layout';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { HostRecord } from '../../protocol/management/shapes.ts';
import { listDeployments } from '../api/deployments.ts';
import { pageOfHosts } from '../api/hosts.ts';
import { useSession } from '../api/session-context.ts';
import { useChanges, useData, useEvery } from '../api/use-data.ts';
import { PlaceLink } from '../routing/location.tsx';
import { DeploymentTable } from '../view/deployment-table.tsx';
import { ACTIVE, type DeploymentInfo } from '../view/deployments.ts';
import { Command, Empty } from '../view/empty.tsx';
import { marksOf } from '../view/host-marks.ts';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Ago, useNow } from '../view/time.tsx';

const MOST_RUNNING = 25;
const MOST_FAILED = 10;
const MOST_MARKED = 20;
const HOSTS_EVERY_MS = 15_000;

export function Dashboard() {
  const { may } = useSession();
  const deployments = useData('dashboard', async (signal) => {
    const [running, failed] = await Promise.all([
      listDeployments({ statuses: ACTIVE }, MOST_RUNNING, signal),
      listDeployments({ statuses: ['Failed'] }, MOST_FAILED, signal),
    ]);
    return { running, failed };
  });
  const isLive = useChanges('deployments', deployments.reload);
  const seesHosts = may('DescribeHosts');
  const hosts = useData('hosts', async (signal) => {
    if (!seesHosts) return null;
    const [registered, marked] = await Promise.all([
      pageOfHosts({ registered: true }, undefined, signal),
      pageOfHosts({ needsAttention: true }, undefined, signal),
    ]);
    return { registered: registered.total ?? 0, marked: marked.entries, markedCount: marked.total ?? 0 };
  });
  useEvery(HOSTS_EVERY_MS, hosts.reload);
  const now = useNow();
  const running = deployments.data?.running ?? null;
  const failed = deployments.data?.failed ?? null;

  return (
    <Page title="Dashboard" description={<Live isLive={isLive} />}>
      <Problem what="The deployments cannot be shown" problem={deployments.problem} onRetry={deployments.reload} />
      <Problem what="The hosts cannot be shown" problem={hosts.problem} onRetry={hosts.reload} />
      <Container header={<Header variant="h2">At a glance</Header>}>
        <ColumnLayout columns={seesHosts ? 4 : 2} variant="text-grid" minColumnWidth={150}>
          <Figure label="Running deployments" value={running?.length} />
          <Figure label="Failed in the last 24 hours" value={failed && countSince(failed, now - 86_400)} />
          {seesHosts ? <Figure label="Registered hosts" value={hosts.data?.registered} /> : null}
          {seesHosts ? <Figure label="Hosts that need attention" value={hosts.data?.markedCount} /> : null}
        </ColumnLayout>
      </Container>
      <DeploymentTable
        title="Running now"
        deployments={running}
        problem={deployments.problem}
        leaveOut={['created']}
        empty={
          <Empty title="Nothing runs">
            <span>Start a deployment from the page of its group, or by the command line:</span>
            <Command>slipway deploy FOLDER --application NAME --group NAME</Command>
          </Empty>
        }
      />
      <DeploymentTable
        title="Failed last"
        deployments={failed}
        problem={deployments.problem}
        leaveOut={['took']}
        empty={<Empty title="No deployment has failed" />}
      />
      {seesHosts ? <MarkedHosts counted={hosts.data} /> : null}
    </Page>
  );
}

function countSince(deployments: readonly DeploymentInfo[], since: number): string {
  const count = deployments.filter(({ completeTime }) => (completeTime ?? 0) >= since).length;
  return count === MOST_FAILED ? `${count} or more` : String(count);
}

function Figure({ label, value }: { readonly label: string; readonly value: ReactNode }) {
  return (
    <div>
      <Box variant="awsui-key-label">{label}</Box>
      <Box variant="awsui-value-large">{value ?? '…'}</Box>
    </div>
  );
}

export function Live({ isLive }: { readonly isLive: boolean }) {
  return isLive ? (
    <StatusIndicator type="success">Live: changes appear by themselves</StatusIndicator>
  ) : (
    <StatusIndicator type="pending">Connecting for live changes</StatusIndicator>
  );
}

interface CountedHosts {
  readonly registered: number;
  /** The first of those that need attention. */
  readonly marked: readonly HostRecord[];
  readonly markedCount: number;
}

/** @param counted null: not there yet */
function MarkedHosts({ counted }: { readonly counted: CountedHosts | null }) {
  const now = useNow();
  const more = (counted?.markedCount ?? 0) - MOST_MARKED;
  return (
    <Table<HostRecord>
      items={counted?.marked.slice(0, MOST_MARKED) ?? []}
      loading={counted === null}
      loadingText="Loading hosts"
      trackBy="instanceName"
      wrapLines
      ariaLabels={{ tableLabel: 'Hosts that need attention' }}
      header={
        <Header variant="h2" {...(counted && { counter: `(${counted.markedCount})` })}>
          Hosts that need attention
        </Header>
      }
      {...(more > 0 && {
        footer: (
          <PlaceLink to={{ page: 'hosts', filter: { text: null, show: 'attention' } }}>{`Show ${more} more`}</PlaceLink>
        ),
      })}
      empty={
        counted?.registered === 0 ? (
          <Empty title="No host is registered">
            <span>Register a host with the command line, on the host itself:</span>
            <Command>slipway register --instance-name NAME</Command>
          </Empty>
        ) : (
          <Empty title="All hosts are heard of" />
        )
      }
      columnDefinitions={[
        {
          id: 'name',
          header: 'Host',
          isRowHeader: true,
          cell: ({ instanceName: name }) => <PlaceLink to={{ page: 'host', name }}>{name}</PlaceLink>,
        },
        { id: 'poll', header: 'Last poll', cell: ({ lastPollTime }) => <Ago seconds={lastPollTime} /> },
        {
          id: 'marks',
          header: 'What to do',
          cell: (host) =>
            marksOf(host, now).map(({ mark, remedy }) => <div key={mark + remedy}>{`${mark}. ${remedy}`}</div>),
        },
      ]}
    />
  );
}
