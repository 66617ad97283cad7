/** One application: its groups with their last deployments, and what was deployed of it. */
import { call, chunks, type Output } from '../api/call.ts';
import { listDeployments } from '../api/deployments.ts';
import { useChanges, useData } from '../api/use-data.ts';
import { PlaceLink } from '../routing/location.tsx';
import { DeploymentTable } from '../view/deployment-table.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { ListTable, useListView } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Status } from '../view/status.tsx';
import { Time } from '../view/time.tsx';
import { ApplicationActions } from './application-actions.tsx';
import { groupsOf } from './deployments.tsx';

type Group = NonNullable<Output<'BatchGetDeploymentGroups'>['deploymentGroupsInfo']>[number];

const MOST_AT_ONCE = 100;
const MOST_DEPLOYMENTS = 20;

export function Application({ application }: { readonly application: string }) {
  const groups = useData(`groups of ${application}`, (signal) => loadGroups(application, signal));
  const deployments = useData(`deployments of ${application}`, (signal) =>
    listDeployments({ application }, MOST_DEPLOYMENTS, signal),
  );
  const view = useListView(groups.data, ({ deploymentGroupName = '' }) => deploymentGroupName);
  useChanges('deployments', () => {
    groups.reload();
    deployments.reload();
  });
  return (
    <Page
      title={application}
      description={<PlaceLink to={{ page: 'revisions', application }}>Revisions of {application}</PlaceLink>}
      actions={<ApplicationActions application={application} />}
    >
      <ListTable<Group>
        title="Deployment groups"
        what="groups"
        items={groups.data === null ? null : view.shown}
        problem={groups.problem}
        onRetry={groups.reload}
        view={view}
        findBy="name"
        trackBy="deploymentGroupName"
        empty={
          <Empty title="The application has no deployment group">
            <Command>{`slipway groups create NAME --application ${application} --tag KEY=VALUE`}</Command>
          </Empty>
        }
        columns={[
          {
            id: 'name',
            header: 'Group',
            isRowHeader: true,
            cell: ({ deploymentGroupName: group = '' }) => (
              <PlaceLink to={{ page: 'group', application, group }}>{group}</PlaceLink>
            ),
          },
          { id: 'config', header: 'Configuration', cell: ({ deploymentConfigName }) => deploymentConfigName ?? '–' },
          {
            id: 'last',
            header: 'Last deployment',
            cell: ({ lastAttemptedDeployment: last }) =>
              last?.deploymentId === undefined ? (
                'none'
              ) : (
                <>
                  <Status status={last.status} />{' '}
                  <PlaceLink to={{ page: 'deployment', id: last.deploymentId, target: null }}>
                    {last.deploymentId}
                  </PlaceLink>
                </>
              ),
          },
          {
            id: 'when',
            header: 'Created',
            cell: ({ lastAttemptedDeployment: last }) => <Time seconds={last?.createTime} />,
          },
        ]}
      />
      <Problem what="The deployments cannot be shown" problem={deployments.problem} onRetry={deployments.reload} />
      <DeploymentTable
        title="Newest deployments"
        deployments={deployments.data}
        problem={deployments.problem}
        empty={<Empty title="Nothing of this application was deployed yet" />}
      />
    </Page>
  );
}

async function loadGroups(applicationName: string, signal: AbortSignal): Promise<Group[]> {
  const names = await groupsOf(applicationName);
  const answers = await Promise.all(
    chunks(names, MOST_AT_ONCE).map((deploymentGroupNames) =>
      call('BatchGetDeploymentGroups', { applicationName, deploymentGroupNames }, signal),
    ),
  );
  return answers.flatMap(({ deploymentGroupsInfo }) => deploymentGroupsInfo ?? []);
}
