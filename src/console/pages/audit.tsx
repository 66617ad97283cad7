/** Who has changed what. */
import Button from '@cloudscape-design/components/button';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useEffect, useState } from 'react';
import type { AuditRecord } from '../../protocol/management/shapes.ts';
import { call } from '../api/call.ts';
import { asTheyAre, usePages } from '../api/use-pages.ts';
import { PlaceLink, useLocation } from '../routing/location.tsx';
import type { AuditFilter } from '../routing/places.ts';
import { Empty } from '../view/empty.tsx';
import { ListTable } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Time } from '../view/time.tsx';

const PAGE = 50;

export function Audit({ filter }: { readonly filter: AuditFilter }) {
  const { go } = useLocation();
  const load = (nextToken: string | undefined, signal: AbortSignal) => pageOfEntries(filter, nextToken, signal);
  const entries = usePages(`audit ${JSON.stringify(filter)}`, PAGE, load, asTheyAre);
  const change = (part: Partial<AuditFilter>) => {
    go({ page: 'audit', filter: { ...filter, ...part } }, 'replace');
  };
  return (
    <Page title="Audit log" description="Each request that has changed something, the newest first.">
      <ListTable<AuditRecord>
        title="Audit log"
        heading="Entries"
        what="entries"
        items={entries.shown?.entries ?? null}
        problem={entries.problem}
        onRetry={entries.reload}
        pages={entries}
        trackBy="requestId"
        actions={<Button iconName="refresh" ariaLabel="Load again" onClick={entries.reload} />}
        filter={
          <SpaceBetween direction="horizontal" size="xs">
            <Field label="Access key or person" value={filter.actor} onChange={(actor) => change({ actor })} />
            <Field label="Operation" value={filter.operation} onChange={(operation) => change({ operation })} />
            <Field label="Application" value={filter.application} onChange={(application) => change({ application })} />
          </SpaceBetween>
        }
        empty={<Empty title="No entry fits" />}
        columns={[
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
  // Another address, as that of a link or of the browser's button, fills the field or empties it.
  useEffect(() => setText(value ?? ''), [value]);
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

async function pageOfEntries(filter: AuditFilter, nextToken: string | undefined, signal: AbortSignal) {
  const { actor, operation, application } = filter;
  const input = {
    ...(actor === null ? {} : { actor }),
    ...(operation === null ? {} : { operation }),
    ...(application === null ? {} : { applicationName: application }),
    ...(nextToken === undefined ? {} : { nextToken }),
  };
  const answer = await call('ListAuditEntries', input, signal);
  return { entries: answer.entries, nextToken: answer.nextToken };
}
