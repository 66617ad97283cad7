/** Load balancers, alarms and receivers of notices that the server knows, and the groups that use each. Nobody changes them here. */
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ServerSettingRecord } from '../../protocol/management/shapes.ts';
import { call } from '../api/call.ts';
import { useData } from '../api/use-data.ts';
import { PlaceLink } from '../routing/location.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { ListTable, useListView } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';

const KINDS = [
  {
    member: 'loadBalancers',
    title: 'Load balancers',
    what: 'load balancers',
    flag: 'slipway server --load-balancers FILE',
  },
  { member: 'alarms', title: 'Alarms', what: 'alarms', flag: 'slipway server --alarms FILE' },
  {
    member: 'noticeTargets',
    title: 'Receivers of notices',
    what: 'receivers of notices',
    flag: 'slipway server --webhooks FILE',
  },
] as const;

export function Settings() {
  const settings = useData('server settings', (signal) => call('DescribeServerSettings', {}, signal));
  return (
    <Page
      title="Settings of the server"
      description={`Files beside the server say what these names stand for.${settings.data?.asksAws === true ? ' Other names are looked up in AWS.' : ''}`}
    >
      {KINDS.map(({ member, ...kind }) => (
        <Things
          key={member}
          {...kind}
          things={settings.data?.[member] ?? null}
          problem={settings.problem}
          onRetry={settings.reload}
        />
      ))}
    </Page>
  );
}

interface ThingsProps {
  readonly title: string;
  readonly what: string;
  readonly flag: string;
  readonly things: readonly ServerSettingRecord[] | null;
  readonly problem: Parameters<typeof ListTable>[0]['problem'];
  readonly onRetry: () => void;
}

function Things({ title, what, flag, things, problem, onRetry }: ThingsProps) {
  const view = useListView(things, ({ name, kind, place }) => [name, kind, place].join(' '));
  return (
    <ListTable<ServerSettingRecord>
      {...{ title, what, problem, onRetry, view }}
      items={things === null ? null : view.shown}
      trackBy="name"
      empty={
        <Empty title={`The server knows no ${what}`}>
          <Command>{flag}</Command>
        </Empty>
      }
      columns={[
        { id: 'name', header: 'Name', isRowHeader: true, cell: ({ name }) => name },
        {
          id: 'kind',
          header: 'Kind',
          cell: ({ kind, isConfigured }) =>
            isConfigured ? kind : <StatusIndicator type="info">not in the server’s file</StatusIndicator>,
        },
        { id: 'place', header: 'Where', cell: ({ place }) => place ?? '–' },
        { id: 'used', header: 'Used by', cell: (thing) => <UsedBy thing={thing} /> },
      ]}
    />
  );
}

function UsedBy({ thing: { usedBy, usedByCount } }: { readonly thing: ServerSettingRecord }) {
  if (usedByCount === 0) return <>no group</>;
  return (
    <>
      {usedBy.map(({ applicationName: application, deploymentGroupName: group }, at) => (
        <span key={`${application}/${group}`}>
          {at === 0 ? '' : ', '}
          <PlaceLink to={{ page: 'group', application, group }}>{`${application} / ${group}`}</PlaceLink>
        </span>
      ))}
      {usedByCount > usedBy.length ? ` and ${usedByCount - usedBy.length} more` : ''}
    </>
  );
}
