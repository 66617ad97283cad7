/** Access keys and enrolment tokens: who has which, and an end for each. They are made by the command line, which shows their secrets. */
import Button from '@cloudscape-design/components/button';
import Header from '@cloudscape-design/components/header';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import Table from '@cloudscape-design/components/table';
import { useState } from 'react';
import type { AccessKeyRecord, EnrolmentTokenRecord } from '../../protocol/management/shapes.ts';
import { allPages, call } from '../api/call.ts';
import { useSession } from '../api/session-context.ts';
import { useData } from '../api/use-data.ts';
import { Confirm } from '../view/confirm.tsx';
import { Command, Empty } from '../view/empty.tsx';
import { Page } from '../view/page.tsx';
import { Problem } from '../view/problem.tsx';
import { Time, useNow } from '../view/time.tsx';

interface Ending {
  readonly title: string;
  readonly effect: string;
  readonly label: string;
  carryOut(): Promise<unknown>;
}

export function Keys() {
  const { may } = useSession();
  const keys = useData('keys', (signal) =>
    allPages(
      (token) => call('ListAccessKeys', token, signal),
      ({ accessKeys }) => accessKeys,
    ),
  );
  const tokens = useData('tokens', (signal) =>
    allPages(
      (token) => call('ListEnrolmentTokens', token, signal),
      (page) => page.tokens,
    ),
  );
  const [ending, setEnding] = useState<Ending | null>(null);
  const disable = ({ accessKeyId, description }: AccessKeyRecord) =>
    setEnding({
      title: `Disable the key ${accessKeyId}`,
      label: 'Disable',
      effect: `${description || 'Whoever has it'} can do nothing with it from this moment. A disabled key stays so.`,
      carryOut: () => call('DisableAccessKey', { accessKeyId }),
    });
  const revoke = ({ tokenId }: EnrolmentTokenRecord) =>
    setEnding({
      title: `Revoke the token ${tokenId}`,
      label: 'Revoke',
      effect: 'No further host enrols with it. Hosts that have enrolled go on.',
      carryOut: () => call('RevokeEnrolmentToken', { tokenId }),
    });
  return (
    <Page title="Keys and tokens">
      {ending === null ? null : (
        <Confirm
          {...ending}
          onEnd={() => {
            setEnding(null);
            keys.reload();
            tokens.reload();
          }}
        />
      )}
      <Problem what="The keys cannot be shown" problem={keys.problem} onRetry={keys.reload} />
      <KeyTable
        keys={keys.data ?? (keys.problem === null ? null : [])}
        onDisable={may('DisableAccessKey') ? disable : null}
      />
      <Problem what="The tokens cannot be shown" problem={tokens.problem} onRetry={tokens.reload} />
      <TokenTable
        tokens={tokens.data ?? (tokens.problem === null ? null : [])}
        onRevoke={may('RevokeEnrolmentToken') ? revoke : null}
      />
    </Page>
  );
}

interface KeyTableProps {
  readonly keys: readonly AccessKeyRecord[] | null;
  /** null: the key of the session may not. */
  readonly onDisable: ((key: AccessKeyRecord) => void) | null;
}

function KeyTable({ keys, onDisable }: KeyTableProps) {
  const { session } = useSession();
  return (
    <Table<AccessKeyRecord>
      items={keys ?? []}
      loading={keys === null}
      loadingText="Loading keys"
      trackBy="accessKeyId"
      wrapLines
      ariaLabels={{ tableLabel: 'Access keys' }}
      header={<Header variant="h2">Access keys</Header>}
      empty={
        <Empty title="There is no key that you may see">
          <Command>slipway keys create --role viewer --description NAME</Command>
        </Empty>
      }
      columnDefinitions={[
        { id: 'id', header: 'Key', isRowHeader: true, cell: ({ accessKeyId }) => accessKeyId },
        { id: 'role', header: 'Role', cell: ({ role, scope }) => (scope === undefined ? role : `${role}, limited`) },
        { id: 'text', header: 'For', cell: ({ description, hostArn }) => hostArn ?? (description || '–') },
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
        {
          id: 'end',
          header: 'Action',
          cell: (key) =>
            onDisable === null || key.disabled || key.accessKeyId === session.accessKeyId ? (
              '–'
            ) : (
              <Button variant="inline-link" ariaLabel={`Disable ${key.accessKeyId}`} onClick={() => onDisable(key)}>
                Disable
              </Button>
            ),
        },
      ]}
    />
  );
}

interface TokenTableProps {
  readonly tokens: readonly EnrolmentTokenRecord[] | null;
  readonly onRevoke: ((token: EnrolmentTokenRecord) => void) | null;
}

function TokenTable({ tokens, onRevoke }: TokenTableProps) {
  const now = useNow();
  const isOpen = ({ revokeTime, expireTime, usesLeft }: EnrolmentTokenRecord) =>
    revokeTime === undefined && expireTime > now && usesLeft > 0;
  return (
    <Table<EnrolmentTokenRecord>
      items={tokens ?? []}
      loading={tokens === null}
      loadingText="Loading tokens"
      trackBy="tokenId"
      wrapLines
      ariaLabels={{ tableLabel: 'Enrolment tokens' }}
      header={<Header variant="h2">Enrolment tokens</Header>}
      empty={
        <Empty title="There is no enrolment token">
          <Command>slipway server tokens create --tag KEY=VALUE --uses 10</Command>
        </Empty>
      }
      columnDefinitions={[
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
            onRevoke === null || !isOpen(token) ? (
              '–'
            ) : (
              <Button variant="inline-link" ariaLabel={`Revoke ${token.tokenId}`} onClick={() => onRevoke(token)}>
                Revoke
              </Button>
            ),
        },
      ]}
    />
  );
}
