/** The revisions of an application: when each was registered, used, and where it ran. */
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import type { RevisionHistoryRecord } from '../../protocol/management/shapes.ts';
import { call, chunks, type Output } from '../api/call.ts';
import { useChanges, useData } from '../api/use-data.ts';
import { PlaceLink, useLocation } from '../routing/location.tsx';
import { identityOfRevision, revisionPlace, revisionText } from '../view/deployments.ts';
import { Command, Empty } from '../view/empty.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Status } from '../view/status.tsx';
import { Time } from '../view/time.tsx';
import { allApplications, Choice } from './deployments.tsx';

type Revision = NonNullable<Output<'BatchGetApplicationRevisions'>['revisions']>[number];

/** The API's limit. */
const MOST_AT_ONCE = 25;

export function Revisions({ application }: { readonly application: string | null }) {
  const { go } = useLocation();
  const applications = useData('applications', allApplications);
  const chosen = application ?? applications.data?.[0] ?? null;
  const revisions = useData(`revisions ${chosen}`, (signal) =>
    chosen === null ? Promise.resolve([]) : revisionsOf(chosen, signal),
  );
  const history = useData(`history ${chosen}`, async (signal) =>
    chosen === null ? [] : (await call('ListRevisionHistory', { applicationName: chosen }, signal)).entries,
  );
  useChanges('deployments', () => {
    revisions.reload();
    history.reload();
  });
  return (
    <Page title="Revisions">
      <Problem what="The revisions cannot be shown" problem={revisions.problem} onRetry={revisions.reload} />
      <Table<Revision>
        items={revisions.data ?? []}
        loading={revisions.data === null && revisions.problem === null}
        loadingText="Loading revisions"
        trackBy={({ revisionLocation }) => identityOfRevision(revisionLocation)}
        wrapLines
        ariaLabels={{ tableLabel: 'Revisions' }}
        header={<Header variant="h2">Known revisions{chosen === null ? '' : ` of ${chosen}`}</Header>}
        filter={
          <Choice
            label="Application"
            value={chosen}
            values={applications.data ?? []}
            onChange={(next) => go({ page: 'revisions', application: next }, 'replace')}
          />
        }
        empty={
          <Empty title="The application has no revision yet">
            <Command>slipway push FOLDER --application NAME</Command>
          </Empty>
        }
        columnDefinitions={[
          {
            id: 'where',
            header: 'Revision',
            isRowHeader: true,
            cell: ({ revisionLocation }) =>
              chosen === null ? (
                revisionText(revisionLocation)
              ) : (
                <PlaceLink to={revisionPlace(chosen, revisionLocation)}>{revisionText(revisionLocation)}</PlaceLink>
              ),
          },
          { id: 'text', header: 'Description', cell: ({ genericRevisionInfo: info }) => info?.description ?? '–' },
          {
            id: 'registered',
            header: 'Registered',
            cell: ({ genericRevisionInfo: info }) => <Time seconds={info?.registerTime} />,
          },
          {
            id: 'used',
            header: 'Last used',
            cell: ({ genericRevisionInfo: info }) => <Time seconds={info?.lastUsedTime} />,
          },
          {
            id: 'groups',
            header: 'Target of groups',
            cell: ({ genericRevisionInfo: info }) => (info?.deploymentGroups ?? []).join(', ') || '–',
          },
        ]}
      />
      <Problem what="The history cannot be shown" problem={history.problem} onRetry={history.reload} />
      <Ran history={history.data ?? (history.problem === null ? null : [])} />
    </Page>
  );
}

async function revisionsOf(applicationName: string, signal: AbortSignal): Promise<Revision[]> {
  const order = { sortBy: 'registerTime', sortOrder: 'descending' } as const;
  const { revisions = [] } = await call('ListApplicationRevisions', { applicationName, ...order }, signal);
  const answers = await Promise.all(
    chunks(revisions, MOST_AT_ONCE).map((some) =>
      call('BatchGetApplicationRevisions', { applicationName, revisions: some }, signal),
    ),
  );
  const found = answers.flatMap((answer) => answer.revisions ?? []);
  const byIdentity = new Map(found.map((one) => [identityOfRevision(one.revisionLocation), one]));
  return revisions.flatMap((one) => byIdentity.get(identityOfRevision(one)) ?? []);
}

function Ran({ history }: { readonly history: readonly RevisionHistoryRecord[] | null }) {
  return (
    <Table<RevisionHistoryRecord>
      items={history ?? []}
      loading={history === null}
      loadingText="Loading the history"
      trackBy="deploymentId"
      wrapLines
      ariaLabels={{ tableLabel: 'Where revisions ran' }}
      header={<Header variant="h2">Where they ran</Header>}
      empty={<Empty title="None was deployed yet" />}
      columnDefinitions={[
        { id: 'revision', header: 'Revision', isRowHeader: true, cell: ({ revision }) => revisionText(revision) },
        {
          id: 'group',
          header: 'Group',
          cell: ({ applicationName, deploymentGroupName: group }) => (
            <PlaceLink to={{ page: 'group', application: applicationName, group }}>{group}</PlaceLink>
          ),
        },
        {
          id: 'id',
          header: 'Deployment',
          cell: ({ deploymentId: id }) => <PlaceLink to={{ page: 'deployment', id, target: null }}>{id}</PlaceLink>,
        },
        { id: 'status', header: 'Status', cell: ({ status }) => <Status status={status} /> },
        { id: 'when', header: 'Created', cell: ({ createTime }) => <Time seconds={createTime} /> },
        { id: 'now', header: 'Hosts that have it now', cell: ({ hostsNow }) => hostsNow },
        {
          id: 'who',
          header: 'Made by',
          cell: ({ actorDescription, actor, creator }) => actorDescription || actor || creator,
        },
      ]}
    />
  );
}
