/** The events of all targets together: on how many of them each is over, at work, failed, or still to come. */
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import type { EventProgressRecord } from '../../../protocol/management/shapes.ts';

const COUNTS = ['succeededCount', 'inProgressCount', 'failedCount', 'skippedCount', 'pendingCount'] as const;
type Count = (typeof COUNTS)[number];

const HEADERS: Readonly<Record<Count, string>> = {
  succeededCount: 'Succeeded',
  inProgressCount: 'At work',
  failedCount: 'Failed',
  skippedCount: 'Skipped',
  pendingCount: 'To come',
};

export function Course({ events }: { readonly events: readonly EventProgressRecord[] }) {
  if (events.length === 0) return null;
  const hasFleets = events.some(({ fleet }) => fleet !== undefined);
  const hasHooks = events.some(({ hook }) => hook !== undefined);
  return (
    <Table<EventProgressRecord>
      items={events}
      trackBy={({ lifecycleEventName, fleet }) => `${fleet} ${lifecycleEventName}`}
      variant="container"
      contentDensity="compact"
      ariaLabels={{ tableLabel: 'Events of all targets' }}
      header={
        <Header variant="h2" description="On how many targets each event is in which state.">
          Course
        </Header>
      }
      columnDefinitions={[
        { id: 'name', header: 'Event', isRowHeader: true, cell: ({ lifecycleEventName }) => lifecycleEventName },
        ...(hasFleets
          ? [{ id: 'fleet', header: 'Hosts', cell: ({ fleet }: EventProgressRecord) => fleetText(fleet) }]
          : []),
        ...(hasHooks ? [{ id: 'hook', header: 'Function', cell: ({ hook }: EventProgressRecord) => hook ?? '–' }] : []),
        { id: 'bar', header: 'Course', minWidth: 120, cell: (event) => <Bar event={event} /> },
        ...COUNTS.map((count) => ({
          id: count,
          header: HEADERS[count],
          cell: (event: EventProgressRecord) => String(event[count]),
        })),
      ]}
    />
  );
}

function fleetText(fleet: EventProgressRecord['fleet']): string {
  return fleet === undefined ? '–' : fleet === 'green' ? 'replacement' : 'original';
}

/** The numbers beside it say the same. */
function Bar({ event }: { readonly event: EventProgressRecord }) {
  const all = COUNTS.reduce((sum, count) => sum + event[count], 0);
  let from = 0;
  return (
    <svg className="course-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      {COUNTS.map((count) => {
        const width = all === 0 ? 0 : (event[count] / all) * 100;
        from += width;
        return <rect key={count} className={count} x={from - width} width={width} height="8" />;
      })}
    </svg>
  );
}
