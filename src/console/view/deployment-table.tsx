/** Deployments as rows, on every page that lists some. */
import Header from '@cloudscape-design/components/header';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import type { ReactNode } from 'react';
import type { Refusal } from '../api/call.ts';
import { PlaceLink } from '../routing/location.tsx';
import { type DeploymentInfo, progressText, revisionName, revisionText } from './deployments.ts';
import { Empty } from './empty.tsx';
import { Status } from './status.tsx';
import { Elapsed, Time } from './time.tsx';

type Column = 'id' | 'group' | 'status' | 'progress' | 'revision' | 'created' | 'took' | 'creator';

const COLUMNS: readonly (TableProps.ColumnDefinition<DeploymentInfo> & { readonly id: Column })[] = [
  {
    id: 'id',
    header: 'Deployment',
    minWidth: 130,
    isRowHeader: true,
    cell: ({ deploymentId: id = '' }) => <PlaceLink to={{ page: 'deployment', id, target: null }}>{id}</PlaceLink>,
  },
  { id: 'status', header: 'Status', minWidth: 140, cell: ({ status }) => <Status status={status} /> },
  {
    id: 'group',
    header: 'Application / group',
    cell: ({ applicationName: application = '', deploymentGroupName: group = '' }) => (
      <>
        <PlaceLink to={{ page: 'application', application }}>{application}</PlaceLink>
        {' / '}
        <PlaceLink to={{ page: 'group', application, group }}>{group}</PlaceLink>
      </>
    ),
  },
  { id: 'progress', header: 'Targets', cell: (info) => progressText(info) },
  {
    id: 'revision',
    header: 'Revision',
    cell: ({ revision }) => <span title={revisionText(revision)}>{revisionName(revision)}</span>,
  },
  { id: 'created', header: 'Created', cell: ({ createTime }) => <Time seconds={createTime} /> },
  {
    id: 'took',
    header: 'Took',
    cell: ({ createTime, completeTime }) => <Elapsed from={createTime} to={completeTime} />,
  },
  { id: 'creator', header: 'Made by', cell: ({ creator }) => creator ?? '–' },
];

interface DeploymentTableProps {
  readonly title: string;
  /** null: not there yet. */
  readonly deployments: readonly DeploymentInfo[] | null;
  /** Why they are not there; null: nothing keeps them away. */
  readonly problem: Refusal | null;
  readonly empty: ReactNode;
  readonly leaveOut?: readonly Column[];
  readonly actions?: ReactNode;
  /** Leads to the other pages of the list; absent: the table has the whole list. */
  readonly pagination?: ReactNode;
  readonly filter?: ReactNode;
}

export function DeploymentTable(props: DeploymentTableProps) {
  const { title, deployments, problem, empty, leaveOut = [], actions, pagination, filter } = props;
  return (
    <Table<DeploymentInfo>
      items={deployments ?? []}
      loading={deployments === null && problem === null}
      loadingText="Loading deployments"
      trackBy="deploymentId"
      columnDefinitions={COLUMNS.filter(({ id }) => !leaveOut.includes(id))}
      empty={problem === null ? empty : <Empty title="The deployments are not known now" />}
      wrapLines
      {...(filter && { filter })}
      {...(pagination && { pagination })}
      ariaLabels={{ tableLabel: title }}
      header={
        <Header
          variant="h2"
          {...(deployments && !pagination && { counter: `(${deployments.length})` })}
          {...(actions && { actions })}
        >
          {title}
        </Header>
      }
    />
  );
}
