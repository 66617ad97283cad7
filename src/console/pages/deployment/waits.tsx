/** What a deployment waits for, since when, and when the server gives it up. */
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import type { WaitRecord } from '../../../protocol/management/shapes.ts';
import { Pager } from '../../view/pager.tsx';
import { Ago, useNow } from '../../view/time.tsx';
import { durationText } from '../../view/times.ts';

/** A thousand rows would be drawn anew each second. */
const PAGE = 10;

const REASONS: Readonly<Record<WaitRecord['reason'], string>> = {
  'not-started': 'The host has not begun it',
  silence: 'It runs; the host must be heard of in time',
  'too-long': 'It runs; it must end in time',
};

export function Waits({ waits }: { readonly waits: readonly WaitRecord[] }) {
  const now = useNow();
  const [page, setPage] = useState(0);
  if (waits.length === 0) return null;
  const pages = Math.ceil(waits.length / PAGE);
  const shown = Math.min(page, pages - 1);
  const inOrder = waits.toSorted((one, other) => one.giveUpTime - other.giveUpTime);
  return (
    <Table<WaitRecord>
      items={inOrder.slice(shown * PAGE, (shown + 1) * PAGE)}
      pagination={<Pager shown={{ page: shown, pages, isOpenEnded: false }} turn={setPage} />}
      trackBy={({ targetId, lifecycleEventName }) => `${targetId} ${lifecycleEventName}`}
      wrapLines
      variant="container"
      ariaLabels={{ tableLabel: 'Waits' }}
      header={
        <Header variant="h2" counter={`(${waits.length})`} description="Those come first that are given up first.">
          Waits for
        </Header>
      }
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
