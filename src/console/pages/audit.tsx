/** Who has changed what. */
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import type { AuditRecord } from '../../protocol/management/shapes.ts';
import { call } from '../api/call.ts';
import { useData } from '../api/use-data.ts';
import { PlaceLink, useLocation } from '../routing/location.tsx';
import type { AuditFilter } from '../routing/places.ts';
import { Empty } from '../view/empty.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Time } from '../view/time.tsx';

interface AuditPage {
  readonly entries: readonly AuditRecord[];
  readonly hasMore: boolean;
}

export function Audit({ filter }: { readonly filter: AuditFilter }) {
  const { go } = useLocation();
  const [pages, setPages] = useState(1);
  const entries = useData(`audit ${JSON.stringify([filter, pages])}`, (signal) => somePages(filter, pages, signal));
  const change = (part: Partial<AuditFilter>) => {
    setPages(1);
    go({ page: 'audit', filter: { ...filter, ...part } }, 'replace');
  };
  return (
    <Page title="Audit log" description="Each request that has changed something, the newest first.">
      <Problem what="The audit log cannot be shown" problem={entries.problem} onRetry={entries.reload} />
      <Table<AuditRecord>
        items={entries.data?.entries ?? []}
        loading={entries.data === null && entries.problem === null}
        loadingText="Loading the audit log"
        trackBy="requestId"
        wrapLines
        ariaLabels={{ tableLabel: 'Audit log' }}
        header={
          <Header variant="h2" actions={<Button iconName="refresh" ariaLabel="Load again" onClick={entries.reload} />}>
            Entries
          </Header>
        }
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <Field label="Access key or person" value={filter.actor} onChange={(actor) => change({ actor })} />
            <Field label="Operation" value={filter.operation} onChange={(operation) => change({ operation })} />
            <Field label="Application" value={filter.application} onChange={(application) => change({ application })} />
          </SpaceBetween>
        }
        footer={
          entries.data?.hasMore === true ? (
            <Button loading={entries.isLoading} onClick={() => setPages(pages + 1)}>
              Show more
            </Button>
          ) : null
        }
        empty={<Empty title="No entry fits" />}
        columnDefinitions={[
          { id: 'time', header: 'Time', isRowHeader: true, cell: ({ time }) => <Time seconds={time} /> },
          { id: 'actor', header: 'Actor', cell: (entry) => <Actor entry={entry} /> },
          { id: 'operation', header: 'Operation', cell: ({ operation }) => operation },
          { id: 'what', header: 'On', cell: (entry) => <Thing entry={entry} /> },
          { id: 'request', header: 'Request', cell: ({ request }) => <code>{JSON.stringify(request)}</code> },
        ]}
      />
    </Page>
  );
}

/** The filters hold for whole names, so they are asked once the field is left, or Enter is pressed. */
function Field({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | null;
  onChange: (value: string | null) => void;
}) {
  const [text, setText] = useState(value ?? '');
  const done = () => text !== (value ?? '') && onChange(text === '' ? null : text);
  return (
    <Input
      value={text}
      placeholder={label}
      ariaLabel={label}
      type="search"
      onChange={({ detail }) => {
        setText(detail.value);
        if (detail.value === '') onChange(null);
      }}
      onBlur={done}
      onKeyDown={({ detail }) => detail.key === 'Enter' && done()}
    />
  );
}

function Actor({ entry }: { readonly entry: AuditRecord }) {
  const { actor, actorDescription, role } = entry;
  return actorDescription === undefined ? `${actor} (${role})` : `${actorDescription}: ${actor} (${role})`;
}

function Thing({ entry }: { readonly entry: AuditRecord }) {
  const { deploymentId, applicationName, deploymentGroupName, instanceNames, made } = entry;
  const id = deploymentId ?? (made?.startsWith('d-') === true ? made : undefined);
  const group = [applicationName, deploymentGroupName].filter((name) => name !== undefined).join('/');
  return (
    <>
      {id === undefined ? null : <PlaceLink to={{ page: 'deployment', id, target: null }}>{id}</PlaceLink>}{' '}
      {[group, instanceNames, id === made ? undefined : made].filter(Boolean).join(' ')}
    </>
  );
}

async function somePages(filter: AuditFilter, pages: number, signal: AbortSignal): Promise<AuditPage> {
  const { actor, operation, application } = filter;
  const input = {
    ...(actor === null ? {} : { actor }),
    ...(operation === null ? {} : { operation }),
    ...(application === null ? {} : { applicationName: application }),
  };
  const entries: AuditRecord[] = [];
  let next: { readonly nextToken?: string } = {};
  for (let page = 0; page < pages; page += 1) {
    const answer = await call('ListAuditEntries', { ...input, ...next }, signal);
    entries.push(...answer.entries);
    if (answer.nextToken === undefined) return { entries, hasMore: false };
    next = { nextToken: answer.nextToken };
  }
  return { entries, hasMore: true };
}
