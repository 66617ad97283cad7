/** All hosts, page by page: state, agent, tags, last poll. */
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useEffect, useRef, useState } from 'react';
import type { HostRecord } from '../../protocol/management/shapes.ts';
import { pageOfHosts, wishOfHosts } from '../api/hosts.ts';
import { useEvery } from '../api/use-data.ts';
import { asTheyAre, usePages } from '../api/use-pages.ts';
import { PlaceLink, useLocation } from '../routing/location.tsx';
import type { HostsFilter } from '../routing/places.ts';
import { Command, Empty } from '../view/empty.tsx';
import { marksOf } from '../view/host-marks.ts';
import { ListTable } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Ago, useNow } from '../view/time.tsx';
import { useSettled } from '../view/use-settled.ts';

const PAGE = 50;
const EVERY_MS = 15_000;
const FIND = 'Find hosts by name, tag or agent version';

export function Hosts({ filter }: { readonly filter: HostsFilter }) {
  const { go } = useLocation();
  const [text, setText] = useState(filter.text ?? '');
  const settled = useSettled(text.trim());
  const asked: HostsFilter = { ...filter, text: settled === '' ? null : settled };
  const load = (token: string | undefined, signal: AbortSignal) => pageOfHosts(wishOfHosts(asked), token, signal);
  const hosts = usePages(`hosts ${JSON.stringify(asked)}`, PAGE, load, asTheyAre);
  useEvery(EVERY_MS, hosts.reload);
  // The address follows the field, and the field another address: a link to all hosts empties it.
  const written = useRef(filter.text);
  useEffect(() => {
    if (filter.text === written.current) return;
    written.current = filter.text;
    setText(filter.text ?? '');
  }, [filter.text]);
  useEffect(() => {
    if (asked.text === written.current) return;
    written.current = asked.text;
    go({ page: 'hosts', filter: { ...filter, text: asked.text } }, 'replace');
  }, [asked.text, filter, go]);
  return (
    <Page title="Hosts">
      <ListTable<HostRecord>
        title="Hosts"
        what="hosts"
        items={hosts.shown?.entries ?? null}
        problem={hosts.problem}
        onRetry={hosts.reload}
        pages={hosts}
        trackBy="hostArn"
        filter={
          <SpaceBetween size="xs">
            <TextFilter
              filteringText={text}
              filteringPlaceholder={FIND}
              filteringAriaLabel={FIND}
              onChange={({ detail }) => setText(detail.filteringText)}
            />
            <SegmentedControl
              label="Hosts by state"
              selectedId={filter.show ?? 'all'}
              options={[
                { id: 'all', text: 'All' },
                { id: 'registered', text: 'Registered' },
                { id: 'attention', text: 'Need attention' },
              ]}
              onChange={({ detail: { selectedId: id } }) => {
                const show = id === 'registered' || id === 'attention' ? id : null;
                go({ page: 'hosts', filter: { ...filter, show } }, 'replace');
              }}
            />
          </SpaceBetween>
        }
        empty={
          asked.text === null && asked.show !== 'attention' ? (
            <Empty title="No host is registered">
              <Command>slipway register --instance-name NAME --tag KEY=VALUE</Command>
            </Empty>
          ) : (
            <Empty title={asked.text === null ? 'No host needs attention' : 'No host fits'} />
          )
        }
        columns={[
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

export function HostState({ host }: { readonly host: HostRecord }) {
  const now = useNow();
  if (!host.registered) return <StatusIndicator type="stopped">Deregistered</StatusIndicator>;
  const marks = marksOf(host, now);
  if (marks.length === 0) return <StatusIndicator type="success">Heard of</StatusIndicator>;
  return <StatusIndicator type="warning">{[...new Set(marks.map(({ mark }) => mark))].join(', ')}</StatusIndicator>;
}
