/** All applications that the key may see. */
import { call, chunks, type Output } from '../api/call.ts';
import { useData } from '../api/use-data.ts';
import { PlaceLink } from '../routing/location.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { ListTable, useListView } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Time } from '../view/time.tsx';
import { NewApplicationButton } from './application-actions.tsx';
import { allApplications } from './deployments.tsx';

type Application = NonNullable<Output<'BatchGetApplications'>['applicationsInfo']>[number];

/** The API's limit. */
const MOST_AT_ONCE = 100;

export function Applications() {
  const applications = useData('all applications', loadApplications);
  const view = useListView(applications.data, ({ applicationName = '' }) => applicationName);
  return (
    <Page title="Applications" actions={<NewApplicationButton />}>
      <ListTable<Application>
        title="Applications"
        what="applications"
        items={applications.data === null ? null : view.shown}
        problem={applications.problem}
        onRetry={applications.reload}
        view={view}
        findBy="name"
        trackBy="applicationName"
        empty={
          <Empty title="There is no application yet">
            <Command>slipway applications create NAME</Command>
          </Empty>
        }
        columns={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: ({ applicationName: application = '' }) => (
              <PlaceLink to={{ page: 'application', application }}>{application}</PlaceLink>
            ),
          },
          { id: 'platform', header: 'Platform', cell: ({ computePlatform }) => computePlatform ?? 'Server' },
          { id: 'created', header: 'Created', cell: ({ createTime }) => <Time seconds={createTime} /> },
        ]}
      />
    </Page>
  );
}

async function loadApplications(signal: AbortSignal): Promise<Application[]> {
  const names = await allApplications();
  const answers = await Promise.all(
    chunks(names, MOST_AT_ONCE).map((applicationNames) => call('BatchGetApplications', { applicationNames }, signal)),
  );
  return answers.flatMap(({ applicationsInfo }) => applicationsInfo ?? []);
}
