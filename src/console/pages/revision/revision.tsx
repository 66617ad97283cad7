/** One revision: where it is and ran, what is inside, and what a group would get with it. */
import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import { call, type Output } from '../../api/call.ts';
import { useData } from '../../api/use-data.ts';
import { PlaceLink } from '../../routing/location.tsx';
import { type RevisionLocation, revisionName, revisionText } from '../../view/deployments.ts';
import { Page } from '../../view/page.tsx';
import { Problem } from '../../view/problem.tsx';
import { Time } from '../../view/time.tsx';
import { Content } from './content.tsx';
import { Ran } from './ran.tsx';

interface RevisionProps {
  readonly application: string;
  /** JSON. */
  readonly at: string;
  readonly group: string | null;
}

export function Revision({ application, at, group }: RevisionProps) {
  const revision = locationIn(at);
  if (revision === null) {
    return (
      <Page title="Revision">
        <Alert type="warning" header="The address names no revision">
          The link may be broken. The list of <PlaceLink to={{ page: 'revisions', application }}>revisions</PlaceLink>{' '}
          leads to each.
        </Alert>
      </Page>
    );
  }
  return <Known application={application} at={at} group={group} revision={revision} />;
}

function Known({ application, at, group, revision }: RevisionProps & { readonly revision: RevisionLocation }) {
  const known = useData(`revision ${application} ${at}`, (signal) =>
    call('GetApplicationRevision', { applicationName: application, revision }, signal),
  );
  return (
    <Page
      title={revisionName(revision)}
      description={
        <>
          Revision of <PlaceLink to={{ page: 'application', application }}>{application}</PlaceLink>
        </>
      }
    >
      <Problem what="The revision cannot be shown" problem={known.problem} onRetry={known.reload} />
      {known.data === null ? null : <Summary application={application} revision={revision} known={known.data} />}
      {known.data === null ? null : <Content application={application} at={at} group={group} revision={revision} />}
      <Ran application={application} revision={revision} />
    </Page>
  );
}

interface SummaryProps {
  readonly application: string;
  readonly revision: RevisionLocation;
  readonly known: Output<'GetApplicationRevision'>;
}

function Summary({ application, revision, known: { revisionInfo: info } }: SummaryProps) {
  const groups = info?.deploymentGroups ?? [];
  return (
    <Container header={<Header variant="h2">Summary</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Where it is', value: revisionText(revision) },
          { label: 'Description', value: info?.description ?? '–' },
          {
            label: 'Target of groups',
            value:
              groups.length === 0
                ? '–'
                : groups.map((name, place) => (
                    <span key={name}>
                      {place === 0 ? '' : ', '}
                      <PlaceLink to={{ page: 'group', application, group: name }}>{name}</PlaceLink>
                    </span>
                  )),
          },
          { label: 'Registered', value: <Time seconds={info?.registerTime} /> },
          { label: 'First used', value: <Time seconds={info?.firstUsedTime} /> },
          { label: 'Last used', value: <Time seconds={info?.lastUsedTime} /> },
        ]}
      />
    </Container>
  );
}

/** @returns null: the text is no location */
function locationIn(at: string): RevisionLocation | null {
  try {
    const value: unknown = JSON.parse(at);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as RevisionLocation) : null;
  } catch {
    return null;
  }
}
