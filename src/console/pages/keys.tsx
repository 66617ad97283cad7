/** Access keys and enrolment tokens: who has which, and an end for each. They are made by the command line, which shows their secrets. */
import Button from '@cloudscape-design/components/button';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useState } from 'react';
import type { AccessKeyRecord, EnrolmentTokenRecord } from '../../protocol/management/shapes.ts';
import { call } from '../api/call.ts';
import { useSession } from '../api/session-context.ts';
import { asTheyAre, type Pages, usePages } from '../api/use-pages.ts';
import { Confirm } from '../view/confirm.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { ListTable } from '../view/list-table.tsx';
import { Page } from '../view/page.tsx';
import { Time, useNow } from '../view/time.tsx';

const PAGE = 50;

interface Change {
  readonly title: string;
  readonly effect: string;
  readonly label: string;
  carryOut(): Promise<unknown>;
}

export function Keys() {
  const keys = usePages('keys', PAGE, pageOfKeys, asTheyAre);
  const tokens = usePages('tokens', PAGE, pageOfTokens, asTheyAre);
  const [change, setChange] = useState<Change | null>(null);
  return (
    <Page title="Keys and tokens">
      {change === null ? null : (
        <Confirm
          {...change}
          onEnd={() => {
            setChange(null);
            keys.reload();
            tokens.reload();
          }}
        />
      )}
      <KeyTable keys={keys} onChange={setChange} />
      <TokenTable tokens={tokens} onChange={setChange} />
    </Page>
  );
}

async function pageOfKeys(nextToken: string | undefined, signal: AbortSignal) {
  const answer = await call('ListAccessKeys', nextToken === undefined ? {} : { nextToken }, signal);
  return { entries: answer.accessKeys, nextToken: answer.nextToken };
}

async function pageOfTokens(nextToken: string | undefined, signal: AbortSignal) {
  const answer = await call('ListEnrolmentTokens', nextToken === undefined ? {} : { nextToken }, signal);
  return { entries: answer.tokens, nextToken: answer.nextToken };
}

interface KeyTableProps {
  readonly keys: Pages<AccessKeyRecord>;
  readonly onChange: (change: Change) => void;
}

function KeyTable({ keys, onChange }: KeyTableProps) {
  return (
    <ListTable<AccessKeyRecord>
      title="Access keys"
      what="keys"
      items={keys.shown?.entries ?? null}
      problem={keys.problem}
      onRetry={keys.reload}
      pages={keys}
      trackBy="accessKeyId"
      empty={
        <Empty title="There is no key that you may see">
          <Command>slipway keys create --role viewer --description NAME</Command>
        </Empty>
      }
      columns={[
        { id: 'id', header: 'Key', isRowHeader: true, cell: ({ accessKeyId }) => accessKeyId },
        { id: 'role', header: 'Role', cell: ({ role, scope }) => (scope === undefined ? role : `${role}, limited`) },
        {
          id: 'text',
          header: 'For',
          cell: ({ description, hostArn, issuer }) => (
            <span {...(issuer !== undefined && { title: `A person of ${issuer}` })}>
              {hostArn ?? (description || '–')}
            </span>
          ),
        },
        { id: 'made', header: 'Created', cell: ({ createTime }) => <Time seconds={createTime} /> },
        {
          id: 'state',
          header: 'State',
          cell: ({ disabled }) => (
            <StatusIndicator type={disabled ? 'stopped' : 'success'}>
              {disabled ? 'Disabled' : 'Enabled'}
            </StatusIndicator>
          ),
        },
        { id: 'end', header: 'Action', cell: (record) => <KeyAction record={record} onChange={onChange} /> },
      ]}
    />
  );
}

/** The one thing that can be done with a key as it is now, and that the session may do. */
function KeyAction({
  record,
  onChange,
}: {
  readonly record: AccessKeyRecord;
  readonly onChange: (to: Change) => void;
}) {
  const { may, session } = useSession();
  const { accessKeyId, description, disabled, role } = record;
  const whose = description || 'Whoever has it';
  if (!disabled && may('DisableAccessKey') && accessKeyId !== session.accessKeyId) {
    const effect =
      role === 'host'
        ? `${whose} can do nothing with it from this moment. The host gets another key by slipway register --force.`
        : `${whose} can do nothing with it from this moment. An admin can enable it again.`;
    const carryOut = () => call('DisableAccessKey', { accessKeyId });
    const change = { title: `Disable the key ${accessKeyId}`, label: 'Disable', effect, carryOut };
    return <Act name={`Disable ${accessKeyId}`} change={change} onChange={onChange} />;
  }
  if (disabled && may('EnableAccessKey') && role !== 'host') {
    const effect = `${whose} has the role ${role} again from this moment. Sessions of before stay ended.`;
    const carryOut = () => call('EnableAccessKey', { accessKeyId });
    const change = { title: `Enable the key ${accessKeyId}`, label: 'Enable', effect, carryOut };
    return <Act name={`Enable ${accessKeyId}`} change={change} onChange={onChange} />;
  }
  return <>–</>;
}

interface ActProps {
  /** Names the button for people who do not see its row. */
  readonly name: string;
  readonly change: Change;
  readonly onChange: (change: Change) => void;
}

function Act({ name, change, onChange }: ActProps) {
  return (
    <Button variant="inline-link" ariaLabel={name} onClick={() => onChange(change)}>
      {change.label}
    </Button>
  );
}

interface TokenTableProps {
  readonly tokens: Pages<EnrolmentTokenRecord>;
  readonly onChange: (change: Change) => void;
}

function TokenTable({ tokens, onChange }: TokenTableProps) {
  const { may } = useSession();
  const now = useNow();
  const isOpen = ({ revokeTime, expireTime, usesLeft }: EnrolmentTokenRecord) =>
    revokeTime === undefined && expireTime > now && usesLeft > 0;
  const revocationOf = (tokenId: string): Change => ({
    title: `Revoke the token ${tokenId}`,
    label: 'Revoke',
    effect: 'No further host enrols with it. Hosts that have enrolled go on.',
    carryOut: () => call('RevokeEnrolmentToken', { tokenId }),
  });
  return (
    <ListTable<EnrolmentTokenRecord>
      title="Enrolment tokens"
      what="tokens"
      items={tokens.shown?.entries ?? null}
      problem={tokens.problem}
      onRetry={tokens.reload}
      pages={tokens}
      trackBy="tokenId"
      empty={
        <Empty title="There is no enrolment token">
          <Command>slipway server tokens create --tag KEY=VALUE --uses 10</Command>
        </Empty>
      }
      columns={[
        { id: 'id', header: 'Token', isRowHeader: true, cell: ({ tokenId }) => tokenId },
        { id: 'text', header: 'For', cell: ({ description }) => description || '–' },
        { id: 'uses', header: 'Uses left', cell: ({ uses, usesLeft }) => `${usesLeft} of ${uses}` },
        {
          id: 'until',
          header: 'Ends',
          cell: ({ expireTime, revokeTime }) => <Time seconds={revokeTime ?? expireTime} />,
        },
        { id: 'by', header: 'Made by', cell: ({ madeBy }) => madeBy },
        {
          id: 'end',
          header: 'Action',
          cell: (token) =>
            may('RevokeEnrolmentToken') && isOpen(token) ? (
              <Act name={`Revoke ${token.tokenId}`} change={revocationOf(token.tokenId)} onChange={onChange} />
            ) : (
              '–'
            ),
        },
      ]}
    />
  );
}
