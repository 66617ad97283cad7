/** All deployments, the newest first, with filters that stand in the address. */
import Button from '@cloudscape-design/components/button';
import Select, { type SelectProps } from '@cloudscape-design/components/select';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';
import { allPages, call } from '../api/call.ts';
import { type DeploymentsPage, listDeployments, wishOf } from '../api/deployments.ts';
import { useChanges, useData } from '../api/use-data.ts';
import { useLocation } from '../routing/location.tsx';
import type { DeploymentsFilter } from '../routing/places.ts';
import { DeploymentTable } from '../view/deployment-table.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Live } from './dashboard.tsx';

const STATUSES = ['Created', 'Queued', 'InProgress', 'Ready', 'Succeeded', 'Failed', 'Stopped'] as const;
/** As many as the API has in a page. */
const PAGE = 100;

export function Deployments({ filter }: { readonly filter: DeploymentsFilter }) {
  const { go } = useLocation();
  const [pages, setPages] = useState(1);
  const key = JSON.stringify([filter, pages]);
  const deployments = useData(key, (signal) => somePages(filter, pages, signal));
  const applications = useData('applications', allApplications);
  const groups = useData(`groups ${filter.application}`, () => groupsOf(filter.application));
  const isLive = useChanges('deployments', deployments.reload);
  const change = (part: Partial<DeploymentsFilter>) => {
    setPages(1);
    go({ page: 'deployments', filter: { ...filter, ...part } }, 'replace');
  };
  const isFiltered = Object.values(filter).some((value) => value !== null);

  return (
    <Page title="Deployments" description={<Live isLive={isLive} />}>
      <Problem what="The deployments cannot be shown" problem={deployments.problem} onRetry={deployments.reload} />
      <DeploymentTable
        title="Deployments"
        deployments={deployments.data?.deployments ?? null}
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
        footer={
          deployments.data?.nextToken === undefined ? null : (
            <Button loading={deployments.isLoading} onClick={() => setPages(pages + 1)}>
              Show more
            </Button>
          )
        }
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

async function somePages(filter: DeploymentsFilter, pages: number, signal: AbortSignal): Promise<DeploymentsPage> {
  const found = [];
  let next: { readonly nextToken?: string } = {};
  for (let page = 0; page < pages; page += 1) {
    const { deployments, nextToken } = await listDeployments({ ...wishOf(filter), ...next }, PAGE, signal);
    found.push(...deployments);
    if (nextToken === undefined) return { deployments: found, nextToken };
    next = { nextToken };
  }
  return { deployments: found, nextToken: next.nextToken };
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
