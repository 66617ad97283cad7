/** The revisions of an application: when each was registered, used, and where it ran. */
import type { RevisionHistoryRecord } from '../../protocol/management/shapes.ts';
import { call, chunks, type Output } from '../api/call.ts';
import type { ApiPage } from '../api/page-walk.ts';
import { useChanges, useData } from '../api/use-data.ts';
import { asTheyAre, type Pages, usePages } from '../api/use-pages.ts';
import { PlaceLink, useLocation } from '../routing/location.tsx';
import { identityOfRevision, type RevisionLocation, revisionPlace, revisionText } from '../view/deployments.ts';
import { Command, Empty } from '../view/empty.tsx';
import { ListTable } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Status } from '../view/status.tsx';
import { Time } from '../view/time.tsx';
import { allApplications, Choice } from './deployments.tsx';

type Revision = NonNullable<Output<'BatchGetApplicationRevisions'>['revisions']>[number];

/** The API's limit. */
const MOST_AT_ONCE = 25;
const PAGE = 50;

export function Revisions({ application }: { readonly application: string | null }) {
  const { go } = useLocation();
  const applications = useData('applications', allApplications);
  const chosen = application ?? applications.data?.[0] ?? null;
  const revisions = usePages(
    `revisions ${chosen}`,
    PAGE,
    (nextToken, signal) => locationsOf(chosen, nextToken, signal),
    (locations, signal) => revisionsAt(chosen, locations, signal),
  );
  const load = (nextToken: string | undefined, signal: AbortSignal) => historyOf(chosen, nextToken, signal);
  const history = usePages(`history ${chosen}`, PAGE, load, asTheyAre);
  useChanges('deployments', () => {
    revisions.reload();
    history.reload();
  });
  return (
    <Page title="Revisions">
      <Problem what="The applications cannot be shown" problem={applications.problem} onRetry={applications.reload} />
      <ListTable<Revision>
        title="Revisions"
        heading={`Known revisions${chosen === null ? '' : ` of ${chosen}`}`}
        what="revisions"
        items={revisions.shown?.entries ?? null}
        problem={revisions.problem}
        onRetry={revisions.reload}
        pages={revisions}
        trackBy={({ revisionLocation }) => identityOfRevision(revisionLocation)}
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
        columns={[
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
      <Ran history={history} />
    </Page>
  );
}

const NOTHING = { entries: [], nextToken: undefined } as const;

/** Locations alone; a page shows more of each. @param applicationName null: there is no application */
async function locationsOf(
  applicationName: string | null,
  nextToken: string | undefined,
  signal: AbortSignal,
): Promise<ApiPage<RevisionLocation>> {
  if (applicationName === null) return NOTHING;
  const order = { sortBy: 'registerTime', sortOrder: 'descending' } as const;
  const token = nextToken === undefined ? {} : { nextToken };
  const answer = await call('ListApplicationRevisions', { applicationName, ...order, ...token }, signal);
  return { entries: answer.revisions ?? [], nextToken: answer.nextToken };
}

async function revisionsAt(
  applicationName: string | null,
  locations: readonly RevisionLocation[],
  signal: AbortSignal,
): Promise<Revision[]> {
  if (applicationName === null) return [];
  const answers = await Promise.all(
    chunks(locations, MOST_AT_ONCE).map((revisions) =>
      call('BatchGetApplicationRevisions', { applicationName, revisions }, signal),
    ),
  );
  const found = answers.flatMap((answer) => answer.revisions ?? []);
  const byIdentity = new Map(found.map((one) => [identityOfRevision(one.revisionLocation), one]));
  return locations.flatMap((one) => byIdentity.get(identityOfRevision(one)) ?? []);
}

async function historyOf(
  applicationName: string | null,
  nextToken: string | undefined,
  signal: AbortSignal,
): Promise<ApiPage<RevisionHistoryRecord>> {
  if (applicationName === null) return NOTHING;
  const token = nextToken === undefined ? {} : { nextToken };
  const { entries, nextToken: next } = await call('ListRevisionHistory', { applicationName, ...token }, signal);
  return { entries, nextToken: next };
}

function Ran({ history }: { readonly history: Pages<RevisionHistoryRecord> }) {
  return (
    <ListTable<RevisionHistoryRecord>
      title="Where revisions ran"
      heading="Where they ran"
      what="deployments"
      items={history.shown?.entries ?? null}
      problem={history.problem}
      onRetry={history.reload}
      pages={history}
      trackBy="deploymentId"
      empty={<Empty title="None was deployed yet" />}
      columns={[
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
