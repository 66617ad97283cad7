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
import { Verbatim } from '../../view/verbatim.tsx';
import { EventLog } from './event-log.tsx';
import { tellingEvent } from './events.ts';
import type { LifecycleEvent, Target } from './read-targets.ts';

export function TargetEvents({ deployment, target }: { readonly deployment: string; readonly target: Target }) {
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
          <Header variant="h2" description={<About target={target} />}>
            Events of {targetId}
          </Header>
        }
        empty={<Empty title="The target has no events yet" />}
        columnDefinitions={[
          { id: 'name', header: 'Event', isRowHeader: true, cell: ({ lifecycleEventName }) => lifecycleEventName },
          { id: 'status', header: 'Status', cell: ({ status }) => <Status status={status} /> },
          { id: 'start', header: 'Started', cell: ({ startTime }) => <Time seconds={startTime} /> },
          { id: 'took', header: 'Took', cell: ({ startTime, endTime }) => <Elapsed from={startTime} to={endTime} /> },
          { id: 'message', header: 'Says', cell: ({ diagnostics }) => says(diagnostics) },
          { id: 'code', header: 'Result', cell: ({ diagnostics }) => diagnostics?.errorCode ?? '–' },
        ]}
      />
      {shown === null ? null : (
        <Output key={shown.lifecycleEventName} deployment={deployment} target={targetId} event={shown} />
      )}
    </SpaceBetween>
  );
}

/** The message of an event; one that says no more than the status is left out. */
function says(diagnostics: LifecycleEvent['diagnostics']): string {
  const { message = '', errorCode } = diagnostics ?? {};
  return message === '' || (errorCode === 'Success' && message === 'Succeeded') ? '–' : message;
}

function About({ target: { targetId = '', about } }: { readonly target: Target }) {
  if (about === null) return <PlaceLink to={{ page: 'host', name: targetId }}>The host {targetId}</PlaceLink>;
  return about.map((line) => <div key={line}>{line}</div>);
}

interface OutputProps {
  readonly deployment: string;
  readonly target: string;
  readonly event: LifecycleEvent;
}

function Output({ deployment, target, event }: OutputProps) {
  const { diagnostics, lifecycleEventName = '', status } = event;
  if (diagnostics === undefined && status !== 'InProgress') return null;
  return (
    <Container header={<Header variant="h2">Output of {lifecycleEventName}</Header>}>
      <SpaceBetween size="m">
        {diagnostics === undefined ? null : (
          <KeyValuePairs
            columns={3}
            items={[
              { label: 'Result', value: diagnostics.errorCode ?? '–' },
              { label: 'Script', value: diagnostics.scriptName || '–' },
              { label: 'Message', value: diagnostics.message || '–' },
            ]}
          />
        )}
        <EventLog
          {...{ deployment, target, status }}
          event={lifecycleEventName}
          instead={<Tail text={diagnostics?.logTail ?? ''} isRunning={status === 'InProgress'} />}
        />
      </SpaceBetween>
    </Container>
  );
}

/** The last lines of an event, where the server has no log of it: an official agent's, or live logs are off. */
function Tail({ text, isRunning }: { readonly text: string; readonly isRunning: boolean }) {
  if (text === '') {
    const words = isRunning
      ? 'Nothing has been written yet.'
      : 'The script wrote nothing, or the server has deleted its output by now.';
    return <Box color="text-status-inactive">{words}</Box>;
  }
  return (
    // The words of a script stay text: nothing in them is read as markup.
    <section aria-label="Log tail">
      <Verbatim>{text}</Verbatim>
    </section>
  );
}
