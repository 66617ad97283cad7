/** Leads from page to page of a list; nothing where there is one page. */
import Pagination from '@cloudscape-design/components/pagination';
import type { ShownPage } from '../api/page-walk.ts';

const LABELS = {
  nextPageLabel: 'Next page',
  previousPageLabel: 'Page before',
  pageLabel: (page: number) => `Page ${page}`,
};

interface PagerProps {
  /** null: not there yet. */
  readonly shown: Pick<ShownPage<unknown>, 'page' | 'pages' | 'isOpenEnded'> | null;
  /** @param page from 0 */
  readonly turn: (page: number) => void;
}

export function Pager({ shown, turn }: PagerProps) {
  if (shown === null || (shown.pages === 1 && !shown.isOpenEnded)) return null;
  return (
    <Pagination
      currentPageIndex={shown.page + 1}
      pagesCount={shown.pages}
      openEnd={shown.isOpenEnded}
      ariaLabels={LABELS}
      onChange={({ detail }) => turn(detail.currentPageIndex - 1)}
    />
  );
}
