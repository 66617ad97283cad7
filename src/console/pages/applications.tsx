/** All applications that the key may see. */
import Header from '@cloudscape-design/components/header';
import Table from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { useState } from 'react';
import { call, chunks, type Output } from '../api/call.ts';
import { useData } from '../api/use-data.ts';
import { PlaceLink } from '../routing/location.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Time } from '../view/time.tsx';
import { NewApplicationButton } from './application-actions.tsx';
import { allApplications } from './deployments.tsx';

type Application = NonNullable<Output<'BatchGetApplications'>['applicationsInfo']>[number];

/** The API's limit. */
const MOST_AT_ONCE = 100;

export function Applications() {
  const applications = useData('all applications', loadApplications);
  const [text, setText] = useState('');
  const shown = (applications.data ?? []).filter(({ applicationName = '' }) =>
    applicationName.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <Page title="Applications" actions={<NewApplicationButton />}>
      <Problem what="The applications cannot be shown" problem={applications.problem} onRetry={applications.reload} />
      <Table<Application>
        items={shown}
        loading={applications.data === null && applications.problem === null}
        loadingText="Loading applications"
        trackBy="applicationName"
        ariaLabels={{ tableLabel: 'Applications' }}
        header={
          <Header variant="h2" counter={`(${shown.length})`}>
            Applications
          </Header>
        }
        filter={
          <TextFilter
            filteringText={text}
            filteringPlaceholder="Find applications by name"
            filteringAriaLabel="Find applications by name"
            onChange={({ detail }) => setText(detail.filteringText)}
          />
        }
        empty={
          text === '' ? (
            <Empty title="There is no application yet">
              <Command>slipway applications create NAME</Command>
            </Empty>
          ) : (
            <Empty title="No application has this in its name" />
          )
        }
        columnDefinitions={[
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
