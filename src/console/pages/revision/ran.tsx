/** Hosts that a revision was deployed to, when, and with which result. */
import type { HostHistoryRecord } from '../../../protocol/management/shapes.ts';
import { allPages, call } from '../../api/call.ts';
import { useChanges, useData } from '../../api/use-data.ts';
import { PlaceLink } from '../../routing/location.tsx';
import { identityOfRevision, type RevisionLocation } from '../../view/deployments.ts';
import { Empty } from '../../view/empty.tsx';
import { ListTable, useListView } from '../../view/list-table.tsx';
import { Status } from '../../view/status.tsx';
import { Time } from '../../view/time.tsx';

/** Entries of the application's history that are looked through, the newest first. */
const MOST = 5_000;

export function Ran({ application, revision }: { readonly application: string; readonly revision: RevisionLocation }) {
  const identity = identityOfRevision(revision);
  const history = useData(`where ${application} ${identity}`, async (signal) => {
    const entries = await allPages(
      (token) => call('ListHostHistory', { applicationName: application, ...token }, signal),
      (page) => page.entries,
      MOST,
    );
    return entries.filter((entry) => identityOfRevision(entry.revision) === identity);
  });
  useChanges('deployments', history.reload);
  const view = useListView(history.data, ({ instanceName, deploymentId, deploymentGroupName, status }) =>
    [instanceName, deploymentId, deploymentGroupName, status].join(' '),
  );
  return (
    <ListTable<HostHistoryRecord>
      title="Where it ran"
      what="hosts"
      findBy="name, deployment, group or status"
      items={history.data === null ? null : view.shown}
      problem={history.problem}
      onRetry={history.reload}
      view={view}
      trackBy={({ deploymentId, instanceName }) => `${deploymentId} ${instanceName}`}
      empty={<Empty title="It was not deployed to any host yet" />}
      columns={[
        {
          id: 'host',
          header: 'Host',
          isRowHeader: true,
          cell: ({ instanceName: name }) => <PlaceLink to={{ page: 'host', name }}>{name}</PlaceLink>,
        },
        { id: 'status', header: 'Result', cell: ({ status }) => <Status status={status} /> },
        { id: 'when', header: 'When', cell: ({ statusTime }) => <Time seconds={statusTime} /> },
        {
          id: 'group',
          header: 'Group',
          cell: ({ deploymentGroupName: group }) => (
            <PlaceLink to={{ page: 'group', application, group }}>{group}</PlaceLink>
          ),
        },
        {
          id: 'deployment',
          header: 'Deployment',
          cell: ({ deploymentId: id, instanceName: target }) => (
            <PlaceLink to={{ page: 'deployment', id, target }}>{id}</PlaceLink>
          ),
        },
        { id: 'now', header: 'On the host now', cell: ({ isOnHostNow }) => (isOnHostNow ? 'yes' : 'no') },
      ]}
    />
  );
}
