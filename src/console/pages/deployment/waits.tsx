/** What a deployment waits for, since when, and when the server gives it up. */
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import type { WaitRecord } from '../../../protocol/management/shapes.ts';
import { Ago, useNow } from '../../view/time.tsx';
import { durationText } from '../../view/times.ts';

const REASONS: Readonly<Record<WaitRecord['reason'], string>> = {
  'not-started': 'The host has not begun it',
  silence: 'It runs; the host must be heard of in time',
  'too-long': 'It runs; it must end in time',
};

export function Waits({ waits }: { readonly waits: readonly WaitRecord[] }) {
  const now = useNow();
  if (waits.length === 0) return null;
  return (
    <Table<WaitRecord>
      items={waits}
      trackBy={({ targetId, lifecycleEventName }) => `${targetId} ${lifecycleEventName}`}
      wrapLines
      variant="container"
      ariaLabels={{ tableLabel: 'Waits' }}
      header={<Header variant="h2">Waits for</Header>}
      columnDefinitions={[
        { id: 'target', header: 'Target', isRowHeader: true, cell: ({ targetId }) => targetId },
        { id: 'event', header: 'Event', cell: ({ lifecycleEventName }) => lifecycleEventName },
        { id: 'why', header: 'Why', cell: ({ reason }) => REASONS[reason] },
        { id: 'since', header: 'Since', cell: ({ sinceTime }) => <Ago seconds={sinceTime} /> },
        { id: 'heard', header: 'Heard of', cell: ({ heardOfTime }) => <Ago seconds={heardOfTime} /> },
        { id: 'until', header: 'Given up in', cell: ({ giveUpTime }) => durationText(giveUpTime - now) },
        {
          id: 'call',
          header: 'Last call',
          cell: ({ lastCall, lastAnswer }) =>
            lastCall === undefined ? '–' : `${lastCall}: ${lastAnswer ?? 'no answer yet'}`,
        },
      ]}
    />
  );
}
