/** What is inside a revision, and its difference to what a group had before. The server reads the bundle; the page shows words alone. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { RevisionFileRecord } from '../../../protocol/management/shapes.ts';
import { call } from '../../api/call.ts';
import { useData } from '../../api/use-data.ts';
import { useLocation } from '../../routing/location.tsx';
import type { RevisionLocation } from '../../view/deployments.ts';
import { Empty } from '../../view/empty.tsx';
import { ListTable, useListView } from '../../view/list-table.tsx';
import { Choice, groupsOf } from '../deployments.tsx';
import { Difference } from './difference.tsx';
import { FILE_COLUMNS, sizeText } from './files.tsx';

interface ContentProps {
  readonly application: string;
  readonly at: string;
  readonly group: string | null;
  readonly revision: RevisionLocation;
}

export function Content({ application, at, group, revision }: ContentProps) {
  const { go } = useLocation();
  const groups = useData(`groups ${application}`, () => groupsOf(application));
  const content = useData(`inside ${application} ${at} ${group}`, (signal) =>
    call(
      'DescribeRevisionContent',
      { applicationName: application, revision, ...(group === null ? {} : { deploymentGroupName: group }) },
      signal,
    ),
  );
  const files = content.data?.files ?? null;
  const view = useListView(files, ({ path, kind }) => `${path} ${kind}`);
  const { difference, appSpec, incompleteBecause, sizeBytes = 0 } = content.data ?? {};
  return (
    <SpaceBetween size="l">
      <ListTable<RevisionFileRecord>
        title="Files"
        heading={content.data === null ? 'Files' : `Files in ${sizeText(sizeBytes)}`}
        what="files"
        findBy="name"
        items={files === null ? null : view.shown}
        problem={content.problem}
        onRetry={content.reload}
        view={view}
        trackBy={({ path }) => path}
        empty={<Empty title="The revision has no files beside its AppSpec" />}
        columns={FILE_COLUMNS}
      />
      {incompleteBecause === undefined ? null : (
        <Alert type="info" header="There may be more files">
          {`The list is not complete: ${incompleteBecause}.`}
        </Alert>
      )}
      {appSpec === undefined ? null : (
        <Container header={<Header variant="h2">{appSpec.path}</Header>}>
          <section aria-label="AppSpec">
            <Box variant="pre">{appSpec.text}</Box>
          </section>
          {appSpec.isComplete ? null : <Box>The text is longer than this.</Box>}
        </Container>
      )}
      <Container
        header={
          <Header
            variant="h2"
            actions={
              <Choice
                label="Compare with group"
                value={group}
                values={groups.data ?? []}
                onChange={(next) => go({ page: 'revision', application, at, group: next }, 'replace')}
              />
            }
          >
            Difference
          </Header>
        }
      >
        {group === null ? (
          <Box>Choose a group: the difference to the last revision that ran there is shown.</Box>
        ) : difference === undefined ? (
          <Box>{content.data === null ? 'Comparing' : `${group} has had no other revision.`}</Box>
        ) : (
          <Difference difference={difference} application={application} />
        )}
      </Container>
    </SpaceBetween>
  );
}
