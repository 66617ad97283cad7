/** All hosts: state, agent, tags, last poll. */
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useState } from 'react';
import type { HostRecord } from '../../protocol/management/shapes.ts';
import { allHosts } from '../api/hosts.ts';
import { useData, useEvery } from '../api/use-data.ts';
import { PlaceLink } from '../routing/location.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { marksOf } from '../view/host-marks.ts';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Ago, useNow } from '../view/time.tsx';

const PAGE = 50;
const EVERY_MS = 15_000;

export function Hosts() {
  const hosts = useData('all hosts', allHosts);
  useEvery(EVERY_MS, hosts.reload);
  const [text, setText] = useState('');
  const [page, setPage] = useState(1);
  const found = (hosts.data ?? []).filter((host) => textOf(host).includes(text.toLowerCase()));
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  const shown = found.slice((page - 1) * PAGE, page * PAGE);
  return (
    <Page title="Hosts">
      <Problem what="The hosts cannot be shown" problem={hosts.problem} onRetry={hosts.reload} />
      <Table<HostRecord>
        items={shown}
        loading={hosts.data === null && hosts.problem === null}
        loadingText="Loading hosts"
        trackBy="hostArn"
        wrapLines
        ariaLabels={{ tableLabel: 'Hosts' }}
        header={
          <Header variant="h2" counter={`(${found.length})`}>
            Hosts
          </Header>
        }
        filter={
          <TextFilter
            filteringText={text}
            filteringPlaceholder="Find hosts by name, tag or agent version"
            filteringAriaLabel="Find hosts by name, tag or agent version"
            onChange={({ detail }) => {
              setText(detail.filteringText);
              setPage(1);
            }}
          />
        }
        pagination={
          pages === 1 ? null : (
            <Pagination
              currentPageIndex={page}
              pagesCount={pages}
              ariaLabels={{
                nextPageLabel: 'Next page',
                previousPageLabel: 'Page before',
                pageLabel: (at) => `Page ${at}`,
              }}
              onChange={({ detail }) => setPage(detail.currentPageIndex)}
            />
          )
        }
        empty={
          text === '' ? (
            <Empty title="No host is registered">
              <Command>slipway register --instance-name NAME --tag KEY=VALUE</Command>
            </Empty>
          ) : (
            <Empty title="No host fits" />
          )
        }
        columnDefinitions={[
          {
            id: 'name',
            header: 'Host',
            isRowHeader: true,
            cell: ({ instanceName: name }) => <PlaceLink to={{ page: 'host', name }}>{name}</PlaceLink>,
          },
          { id: 'state', header: 'State', cell: (host) => <HostState host={host} /> },
          { id: 'poll', header: 'Last poll', cell: ({ lastPollTime }) => <Ago seconds={lastPollTime} /> },
          { id: 'agent', header: 'Agent', cell: ({ agentVersion }) => agentVersion ?? '–' },
          {
            id: 'tags',
            header: 'Tags',
            cell: ({ tags }) => tags.map(({ Key, Value }) => `${Key}=${Value}`).join(', ') || '–',
          },
        ]}
      />
    </Page>
  );
}

function textOf({ instanceName, tags, agentVersion = '' }: HostRecord): string {
  return [instanceName, agentVersion, ...tags.map(({ Key, Value }) => `${Key}=${Value}`)].join(' ').toLowerCase();
}

export function HostState({ host }: { readonly host: HostRecord }) {
  const now = useNow();
  if (!host.registered) return <StatusIndicator type="stopped">Deregistered</StatusIndicator>;
  const marks = marksOf(host, now);
  if (marks.length === 0) return <StatusIndicator type="success">Heard of</StatusIndicator>;
  return <StatusIndicator type="warning">{[...new Set(marks.map(({ mark }) => mark))].join(', ')}</StatusIndicator>;
}
