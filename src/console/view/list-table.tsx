/** The table of all lists: loading, refused, empty, filtered by a text, and page by page. */
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import TextFilter from '@cloudscape-design/components/text-filter';
import { type ReactNode, useState } from 'react';
import type { Refusal } from '../api/call.ts';
import type { Pages } from '../api/use-pages.ts';
import { Empty } from './empty.tsx';
import { Pager } from './pager.tsx';
import { Problem } from './problem.tsx';

const PAGE = 50;

/** A list as it is looked at: the entries that have a text, and one page of them. */
export interface ListView<Entry> {
  readonly shown: readonly Entry[];
  /** Entries that have the text. */
  readonly count: number;
  readonly text: string;
  readonly page: number;
  readonly pages: number;
  readonly setText: (text: string) => void;
  readonly setPage: (page: number) => void;
}

/** @param entries null: not there yet @param textOf an entry as it is searched */
export function useListView<Entry>(
  entries: readonly Entry[] | null,
  textOf: (entry: Entry) => string,
): ListView<Entry> {
  const [text, setText] = useState('');
  const [wanted, setPage] = useState(1);
  const wish = text.toLowerCase();
  const found =
    wish === '' ? (entries ?? []) : (entries ?? []).filter((one) => textOf(one).toLowerCase().includes(wish));
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  const page = Math.min(wanted, pages);
  return {
    ...{ shown: found.slice((page - 1) * PAGE, page * PAGE), count: found.length, text, page, pages, setPage },
    setText(next) {
      setText(next);
      setPage(1);
    },
  };
}

interface ListTableProps<Entry> {
  /** Names the table. */
  readonly title: string;
  /** As it stands above the table, where that is more than the title. */
  readonly heading?: string;
  /** The entries in a word, such as `hosts`. */
  readonly what: string;
  /** null: not there yet. */
  readonly items: readonly Entry[] | null;
  /** Why they cannot be shown; null: nothing keeps them away. */
  readonly problem: Refusal | null;
  readonly onRetry?: () => void;
  /** A list that is here as a whole, and the page of it that `items` are; absent: all items are shown. */
  readonly view?: Omit<ListView<unknown>, 'shown'>;
  /** A list that the API gives page by page, and the page of it that `items` are. */
  readonly pages?: Pick<Pages<unknown>, 'shown' | 'turn'>;
  /** What the text looks for, such as `name`; absent: there is no such filter. */
  readonly findBy?: string;
  readonly trackBy: TableProps.TrackBy<Entry>;
  readonly empty: ReactNode;
  readonly columns: readonly TableProps.ColumnDefinition<Entry>[];
  readonly counter?: boolean;
  readonly filter?: ReactNode;
  readonly actions?: ReactNode;
}

export function ListTable<Entry>(props: ListTableProps<Entry>) {
  const { title, heading = title, what, items, problem, onRetry, view, pages, findBy, trackBy, empty, columns } = props;
  // A page of the API says nothing of the others.
  const count = pages === undefined ? (view?.count ?? items?.length ?? 0) : (pages.shown?.total ?? null);
  const filter = props.filter ?? (view && findBy && <TextOf view={view} label={`Find ${what} by ${findBy}`} />);
  const table = (
    <Table<Entry>
      items={items ?? []}
      loading={items === null && problem === null}
      loadingText={`Loading ${what}`}
      trackBy={trackBy}
      wrapLines
      ariaLabels={{ tableLabel: title }}
      columnDefinitions={columns}
      header={
        <Header
          variant="h2"
          {...(props.counter !== false && items && count !== null && { counter: `(${count})` })}
          {...(props.actions && { actions: props.actions })}
        >
          {heading}
        </Header>
      }
      {...(filter && { filter })}
      {...pagerOf(view, pages)}
      empty={emptyState({ what, problem, text: view?.text ?? '', empty })}
    />
  );
  if (problem === null) return table;
  return (
    <SpaceBetween size="l">
      <Problem what={`The ${what} cannot be shown`} problem={problem} {...(onRetry && { onRetry })} />
      {table}
    </SpaceBetween>
  );
}

interface EmptyStateProps {
  readonly what: string;
  readonly problem: Refusal | null;
  readonly text: string;
  readonly empty: ReactNode;
}

function emptyState({ what, problem, text, empty }: EmptyStateProps): ReactNode {
  if (problem !== null) return <Empty title={`The ${what} are not known now`} />;
  return text === '' ? empty : <Empty title={`No ${what} fit`} />;
}

function TextOf({ view, label }: { readonly view: Omit<ListView<unknown>, 'shown'>; readonly label: string }) {
  return (
    <TextFilter
      filteringText={view.text}
      filteringPlaceholder={label}
      filteringAriaLabel={label}
      onChange={({ detail }) => view.setText(detail.filteringText)}
    />
  );
}

/** Leads to the other pages, where there are some. */
function pagerOf(view: ListTableProps<unknown>['view'], pages: ListTableProps<unknown>['pages']) {
  if (pages !== undefined) return { pagination: <Pager shown={pages.shown} turn={pages.turn} /> };
  if (view === undefined || view.pages <= 1) return {};
  const shown = { page: view.page - 1, pages: view.pages, isOpenEnded: false };
  return { pagination: <Pager shown={shown} turn={(page) => view.setPage(page + 1)} /> };
}
