/**
 * A row for each target, page by page, so that a thousand of them cost no more than fifty. Below them are the events of the target that is
 * chosen, which may be on another page.
 */
import Header from '@cloudscape-design/components/header';
import SegmentedControl from '@cloudscape-design/components/segmented-control';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useEffect, useState } from 'react';
import { usePages } from '../../api/use-pages.ts';
import { useLocation } from '../../routing/location.tsx';
import { type DeploymentInfo, progressOf } from '../../view/deployments.ts';
import { Empty } from '../../view/empty.tsx';
import { Pager } from '../../view/pager.tsx';
import { Problem } from '../../view/problem.tsx';
import { Status } from '../../view/status.tsx';
import { Elapsed, Time } from '../../view/time.tsx';
import { currentEvent, doneText, spanOf } from './events.ts';
import { idsOfTargets, type Target, targetsOf } from './read-targets.ts';
import { TargetEvents } from './target-events.tsx';
import { useShownTarget } from './use-shown-target.ts';

const PAGE = 50;
const STATUSES = ['Failed', 'InProgress', 'Pending', 'Ready', 'Succeeded', 'Skipped'] as const;

interface TargetsProps {
  readonly id: string;
  readonly info: DeploymentInfo;
  /** Name of the target whose events are shown; null: the first that failed, or the first. */
  readonly chosen: string | null;
  /** Changes of the deployment that the page was told of. */
  readonly changes: number;
}

export function Targets({ id, info, chosen, changes }: TargetsProps) {
  const { go } = useLocation();
  const [status, setStatus] = useState<string>('any');
  const counts = info.deploymentOverview ?? {};
  const total = status === 'any' ? progressOf(info).all : (counts[status as keyof typeof counts] ?? 0);
  const load = async (nextToken: string | undefined, signal: AbortSignal) => {
    const ids = await idsOfTargets(id, status === 'any' ? null : status, nextToken, signal);
    return { ...ids, total };
  };
  const targets = usePages(`targets ${id} ${status}`, PAGE, load, (ids, signal) => targetsOf(id, ids, signal));
  const rows = targets.shown?.entries ?? null;
  const shown = useShownTarget({ id, info, chosen, rows, changes });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change is the reason to read again
  useEffect(targets.reload, [changes]);
  return (
    <SpaceBetween size="l">
      <Problem what="The targets cannot be shown" problem={targets.problem} onRetry={targets.reload} />
      <Table<Target>
        items={rows ?? []}
        loading={rows === null && targets.problem === null}
        loadingText="Loading targets"
        trackBy="targetId"
        wrapLines
        selectionType="single"
        selectedItems={shown === null ? [] : [shown]}
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
          <Header variant="h2" counter={`(${total})`}>
            Targets
          </Header>
        }
        filter={
          <SegmentedControl
            label="Targets by status"
            selectedId={status}
            onChange={({ detail }) => setStatus(detail.selectedId)}
            options={[
              { id: 'any', text: 'All' },
              ...STATUSES.flatMap((one) => (counts[one] ? [{ id: one, text: `${one} (${counts[one]})` }] : [])),
            ]}
          />
        }
        pagination={<Pager shown={targets.shown} turn={targets.turn} />}
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
      {shown === null ? null : <TargetEvents key={shown.targetId} deployment={id} target={shown} />}
    </SpaceBetween>
  );
}
