/** Deployment configurations: the predefined ones and the server's own, for each platform. */
import Button from '@cloudscape-design/components/button';
import { useState } from 'react';
import { call } from '../../api/call.ts';
import { allConfigNames, type ConfigInfo, configsOf, isPredefined } from '../../api/configs.ts';
import { useSession } from '../../api/session-context.ts';
import { useData } from '../../api/use-data.ts';
import { Confirm } from '../../view/confirm.tsx';
import { Empty } from '../../view/empty.tsx';
import { ListTable, useListView } from '../../view/list-table.tsx';
import { Page } from '../../view/page.tsx';
import { Time } from '../../view/time.tsx';
import { NewConfig } from './new-config.tsx';
import { configText } from './words.ts';

export function Configs() {
  const { may } = useSession();
  const [isMaking, setMaking] = useState(false);
  const [deleting, setDeleting] = useState<string | null>(null);
  const names = useData('all configurations', async (signal) => (await allConfigNames(signal)).toSorted(ownFirst));
  const view = useListView(names.data, (name) => name);
  // Each is asked for by itself, so only those are that are shown.
  const shown = useData(`configurations ${view.shown.join(' ')}`, (signal) => configsOf(view.shown, signal));
  const reload = () => {
    names.reload();
    shown.reload();
  };
  return (
    <Page
      title="Deployment configurations"
      actions={
        may('CreateDeploymentConfig') ? (
          <Button variant="primary" onClick={() => setMaking(true)}>
            Create configuration
          </Button>
        ) : null
      }
    >
      {isMaking ? (
        <NewConfig
          onEnd={() => {
            setMaking(false);
            reload();
          }}
        />
      ) : null}
      {deleting === null ? null : (
        <Confirm
          title={`Delete ${deleting}`}
          label="Delete"
          effect="No group may use it. Deployments that run with it go on as they began."
          carryOut={() => call('DeleteDeploymentConfig', { deploymentConfigName: deleting })}
          onEnd={() => {
            setDeleting(null);
            reload();
          }}
        />
      )}
      <ListTable<ConfigInfo>
        title="Deployment configurations"
        what="configurations"
        items={names.data === null ? null : shown.data}
        problem={names.problem ?? shown.problem}
        onRetry={reload}
        view={view}
        findBy="name"
        trackBy="deploymentConfigName"
        empty={<Empty title="There is no configuration" />}
        columns={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            cell: ({ deploymentConfigName }) => deploymentConfigName,
          },
          { id: 'platform', header: 'Platform', cell: ({ computePlatform }) => computePlatform ?? 'Server' },
          { id: 'course', header: 'What it does', cell: configText },
          {
            id: 'made',
            header: 'Created',
            cell: ({ deploymentConfigName = '', createTime }) =>
              isPredefined(deploymentConfigName) ? 'predefined' : <Time seconds={createTime} />,
          },
          {
            id: 'end',
            header: 'Action',
            cell: ({ deploymentConfigName: name = '' }) =>
              isPredefined(name) || !may('DeleteDeploymentConfig') ? (
                '–'
              ) : (
                <Button variant="inline-link" ariaLabel={`Delete ${name}`} onClick={() => setDeleting(name)}>
                  Delete
                </Button>
              ),
          },
        ]}
      />
    </Page>
  );
}

function ownFirst(one: string, other: string): number {
  return Number(isPredefined(one)) - Number(isPredefined(other)) || (one < other ? -1 : 1);
}
