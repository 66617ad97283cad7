/** A row for each target, page by page, so that a thousand of them cost no more than fifty; and the events of the one that is chosen. */
import Header from '@cloudscape-design/components/header';
import Pagination from '@cloudscape-design/components/pagination';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useEffect, useState } from 'react';
import { useData } from '../../api/use-data.ts';
import { useLocation } from '../../routing/location.tsx';
import { type DeploymentInfo, progressOf } from '../../view/deployments.ts';
import { Empty } from '../../view/empty.tsx';
import { Problem } from '../../view/problem.tsx';
import { Status } from '../../view/status.tsx';
import { Elapsed, Time } from '../../view/time.tsx';
import { currentEvent, doneText, spanOf } from './events.ts';
import { type Target, targetIds, targetsOf } from './read-targets.ts';
import { TargetEvents } from './target-events.tsx';

const PAGE = 50;
const STATUSES = ['Failed', 'InProgress', 'Pending', 'Ready', 'Succeeded', 'Skipped'] as const;

interface TargetsProps {
  readonly id: string;
  readonly info: DeploymentInfo;
  /** Name of the target whose events are shown; null: the first that failed, or the first. */
  readonly chosen: string | null;
}

export function Targets({ id, info, chosen }: TargetsProps) {
  const { go } = useLocation();
  const [status, setStatus] = useState<string>('any');
  const [page, setPage] = useState(1);
  const counts = info.deploymentOverview ?? {};
  const total = progressOf(info).all;
  const ids = useData(`ids ${id} ${status} ${status === 'any' ? total : ''}`, (signal) =>
    targetIds(id, status === 'any' ? null : status, signal),
  );
  const shownIds = (ids.data ?? []).slice((page - 1) * PAGE, page * PAGE);
  const targets = useData(`targets ${id} ${shownIds.join(' ')}`, (signal) => targetsOf(id, shownIds, signal));
  // The deployment itself is read at each change, so its numbers and its state say when its targets are to be read.
  const state = JSON.stringify(info);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new state is the reason to read again
  useEffect(() => {
    // All targets together are others only when there are more of them.
    if (status !== 'any') ids.reload();
    targets.reload();
  }, [state]);
  const rows = targets.data;
  const shown =
    rows?.find(({ targetId }) => targetId === chosen) ?? rows?.find((one) => one.status === 'Failed') ?? rows?.[0];
  const pages = Math.max(1, Math.ceil((ids.data?.length ?? 0) / PAGE));
  return (
    <SpaceBetween size="l">
      <Problem what="The targets cannot be shown" problem={ids.problem ?? targets.problem} onRetry={targets.reload} />
      <Table<Target>
        items={rows ?? []}
        loading={rows === null && targets.problem === null}
        loadingText="Loading targets"
        trackBy="targetId"
        wrapLines
        selectionType="single"
        selectedItems={shown === undefined ? [] : [shown]}
        onRowClick={({ detail }) => go({ page: 'deployment', id, target: detail.item.targetId ?? null }, 'replace')}
        onSelectionChange={({ detail }) =>
          go({ page: 'deployment', id, target: detail.selectedItems[0]?.targetId ?? null }, 'replace')
        }
        ariaLabels={{
          tableLabel: 'Targets',
          selectionGroupLabel: 'Target whose events are shown',
          itemSelectionLabel: (_, item) => `Show the events of ${item.targetId}`,
        }}
        header={
          <Header variant="h2" counter={`(${ids.data?.length ?? '…'})`}>
            Targets
          </Header>
        }
        filter={
          <SegmentedControl
            label="Targets by status"
            selectedId={status}
            onChange={({ detail }) => {
              setStatus(detail.selectedId);
              setPage(1);
            }}
            options={[
              { id: 'any', text: 'All' },
              ...STATUSES.flatMap((one) => (counts[one] ? [{ id: one, text: `${one} (${counts[one]})` }] : [])),
            ]}
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
        empty={<Empty title={status === 'any' ? 'The deployment has no targets' : `No target is ${status} now`} />}
        columnDefinitions={[
          { id: 'name', header: 'Target', isRowHeader: true, cell: ({ targetId }) => targetId },
          { id: 'status', header: 'Status', cell: (target) => <Status status={target.status} /> },
          { id: 'event', header: 'Event', cell: currentEvent },
          { id: 'done', header: 'Events done', cell: doneText },
          { id: 'fleet', header: 'Fleet', cell: ({ instanceLabel }) => instanceLabel ?? '–' },
          { id: 'took', header: 'Took', cell: (target) => <Elapsed {...spanOf(target)} /> },
          { id: 'updated', header: 'Updated', cell: ({ lastUpdatedAt }) => <Time seconds={lastUpdatedAt} /> },
        ]}
      />
      {shown === undefined ? null : <TargetEvents key={shown.targetId} target={shown} />}
    </SpaceBetween>
  );
}
