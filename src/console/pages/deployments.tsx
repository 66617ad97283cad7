/** All deployments, the newest first, with filters that stand in the address. */
import Button from '@cloudscape-design/components/button';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { allPages, call } from '../api/call.ts';
import { deploymentsOf, idsOfDeployments, wishOf } from '../api/deployments.ts';
import { useChanges, useData } from '../api/use-data.ts';
import { usePages } from '../api/use-pages.ts';
import { useLocation } from '../routing/location.tsx';
import type { DeploymentsFilter } from '../routing/places.ts';
import { DeploymentTable } from '../view/deployment-table.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { Page } from '../view/page.tsx';
import { Pager } from '../view/pager.tsx';
import { Problem } from '../view/problem.tsx';
import { Live } from './dashboard.tsx';

const STATUSES = ['Created', 'Queued', 'InProgress', 'Ready', 'Succeeded', 'Failed', 'Stopped'] as const;
const PAGE = 50;

export function Deployments({ filter }: { readonly filter: DeploymentsFilter }) {
  const { go } = useLocation();
  const load = (nextToken: string | undefined, signal: AbortSignal) =>
    idsOfDeployments({ ...wishOf(filter), ...(nextToken === undefined ? {} : { nextToken }) }, signal);
  const deployments = usePages(`deployments ${JSON.stringify(filter)}`, PAGE, load, deploymentsOf);
  const applications = useData('applications', allApplications);
  const groups = useData(`groups ${filter.application}`, () => groupsOf(filter.application));
  const isLive = useChanges('deployments', deployments.reload);
  const change = (part: Partial<DeploymentsFilter>) => {
    go({ page: 'deployments', filter: { ...filter, ...part } }, 'replace');
  };
  const isFiltered = Object.values(filter).some((value) => value !== null);

  return (
    <Page title="Deployments" description={<Live isLive={isLive} />}>
      <Problem what="The deployments cannot be shown" problem={deployments.problem} onRetry={deployments.reload} />
      <DeploymentTable
        title="Deployments"
        deployments={deployments.shown?.entries ?? null}
        problem={deployments.problem}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <Choice
              label="Application"
              value={filter.application}
              values={applications.data ?? []}
              onChange={(application) => change({ application, group: null })}
            />
            <Choice
              label="Group"
              value={filter.group}
              values={groups.data ?? []}
              onChange={(group) => change({ group })}
            />
            <Choice label="Status" value={filter.status} values={STATUSES} onChange={(status) => change({ status })} />
          </SpaceBetween>
        }
        pagination={<Pager shown={deployments.shown} turn={deployments.turn} />}
        empty={
          isFiltered ? (
            <Empty title="No deployment fits the filters">
              <Button onClick={() => change({ application: null, group: null, status: null })}>
                Clear the filters
              </Button>
            </Empty>
          ) : (
            <Empty title="Nothing was deployed yet">
              <Command>slipway deploy FOLDER --application NAME --group NAME</Command>
            </Empty>
          )
        }
      />
    </Page>
  );
}

export async function allApplications(): Promise<string[]> {
  return allPages(
    (token) => call('ListApplications', token),
    ({ applications }) => applications ?? [],
  );
}

export async function groupsOf(applicationName: string | null): Promise<string[]> {
  if (applicationName === null) return [];
  return allPages(
    (token) => call('ListDeploymentGroups', { applicationName, ...token }),
    ({ deploymentGroups }) => deploymentGroups ?? [],
  );
}

interface ChoiceProps {
  readonly label: string;
  /** null: any. */
  readonly value: string | null;
  readonly values: readonly string[];
  readonly onChange: (value: string | null) => void;
}

export function Choice({ label, value, values, onChange }: ChoiceProps) {
  const any: SelectProps.Option = { label: `${label}: any`, value: '' };
  const options = [any, ...values.map((one) => ({ label: one, value: one }))];
  const selected = value === null ? any : { label: `${label}: ${value}`, value };
  return (
    <Select
      ariaLabel={label}
      selectedOption={selected}
      options={options}
      filteringType={values.length > 10 ? 'auto' : 'none'}
      expandToViewport
      onChange={({ detail }) => onChange(detail.selectedOption.value || null)}
    />
  );
}
