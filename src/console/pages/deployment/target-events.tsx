/** The events of one target, and what the script of one of them wrote. */
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import { PlaceLink } from '../../routing/location.tsx';
import { Empty } from '../../view/empty.tsx';
import { Status } from '../../view/status.tsx';
import { Elapsed, Time } from '../../view/time.tsx';
import { tellingEvent } from './events.ts';
import type { LifecycleEvent, Target } from './read-targets.ts';

export function TargetEvents({ target }: { readonly target: Target }) {
  const [name, setName] = useState<string | null>(null);
  const { targetId = '', lifecycleEvents: events = [] } = target;
  const shown = events.find(({ lifecycleEventName }) => lifecycleEventName === name) ?? tellingEvent(target);
  return (
    <SpaceBetween size="l">
      <Table<LifecycleEvent>
        items={events}
        trackBy="lifecycleEventName"
        wrapLines
        selectionType="single"
        selectedItems={shown === null ? [] : [shown]}
        onRowClick={({ detail }) => setName(detail.item.lifecycleEventName ?? null)}
        onSelectionChange={({ detail }) => setName(detail.selectedItems[0]?.lifecycleEventName ?? null)}
        ariaLabels={{
          tableLabel: `Events of ${targetId}`,
          selectionGroupLabel: 'Event whose output is shown',
          itemSelectionLabel: (_, item) => `Show the output of ${item.lifecycleEventName}`,
        }}
        header={
          <Header
            variant="h2"
            description={<PlaceLink to={{ page: 'host', name: targetId }}>The host {targetId}</PlaceLink>}
          >
            Events of {targetId}
          </Header>
        }
        empty={<Empty title="The target has no events yet" />}
        columnDefinitions={[
          { id: 'name', header: 'Event', isRowHeader: true, cell: ({ lifecycleEventName }) => lifecycleEventName },
          { id: 'status', header: 'Status', cell: ({ status }) => <Status status={status} /> },
          { id: 'start', header: 'Started', cell: ({ startTime }) => <Time seconds={startTime} /> },
          { id: 'took', header: 'Took', cell: ({ startTime, endTime }) => <Elapsed from={startTime} to={endTime} /> },
          { id: 'code', header: 'Result', cell: ({ diagnostics }) => diagnostics?.errorCode ?? '–' },
        ]}
      />
      {shown === null ? null : <Output event={shown} />}
    </SpaceBetween>
  );
}

function Output({ event }: { readonly event: LifecycleEvent }) {
  const { diagnostics, lifecycleEventName } = event;
  if (diagnostics === undefined) return null;
  const { errorCode, scriptName, message, logTail = '' } = diagnostics;
  return (
    <Container header={<Header variant="h2">Output of {lifecycleEventName}</Header>}>
      <SpaceBetween size="m">
        <KeyValuePairs
          columns={3}
          items={[
            { label: 'Result', value: errorCode ?? '–' },
            { label: 'Script', value: scriptName || '–' },
            { label: 'Message', value: message || '–' },
          ]}
        />
        {logTail === '' ? (
          <Box color="text-status-inactive">The script wrote nothing, or the server has deleted its output by now.</Box>
        ) : (
          // The words of a script stay text: nothing in them is read as markup.
          <section aria-label="Log tail">
            <Box variant="pre">{logTail}</Box>
          </section>
        )}
      </SpaceBetween>
    </Container>
  );
}
