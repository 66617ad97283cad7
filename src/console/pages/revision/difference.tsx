/** Files and lines that are not as they were. */
import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type {
  RevisionDifferenceRecord,
  RevisionFileRecord,
  TextDifferenceRecord,
} from '../../../protocol/management/shapes.ts';
import { PlaceLink } from '../../routing/location.tsx';
import { revisionPlace, revisionText } from '../../view/deployments.ts';
import { Empty } from '../../view/empty.tsx';
import { ListTable, useListView } from '../../view/list-table.tsx';
import { FILE_COLUMNS } from './files.tsx';

type Row = RevisionFileRecord & { readonly what: string };

interface DifferenceProps {
  readonly application: string;
  readonly difference: RevisionDifferenceRecord;
}

export function Difference({ application, difference }: DifferenceProps) {
  const { comparedWith, added, removed, changed, sameCount, appSpec = [], incompleteBecause } = difference;
  const rows: readonly Row[] = [
    ...added.map((file) => ({ ...file, what: 'added' })),
    ...removed.map((file) => ({ ...file, what: 'removed' })),
    ...changed.map(({ before, after }) => ({ ...after, what: changeText(before, after) })),
  ];
  const view = useListView(rows, ({ path, what }) => `${path} ${what}`);
  return (
    <SpaceBetween size="m">
      <Box>
        Compared with <PlaceLink to={revisionPlace(application, comparedWith)}>{revisionText(comparedWith)}</PlaceLink>
        {`: ${added.length} added, ${removed.length} removed, ${changed.length} changed, ${sameCount} the same`}
      </Box>
      {incompleteBecause === undefined ? null : (
        <Alert type="info">{`Not all was compared: ${incompleteBecause}`}</Alert>
      )}
      <ListTable<Row>
        title="Files that are not as before"
        what="changes"
        findBy="name"
        items={view.shown}
        problem={null}
        view={view}
        trackBy={({ path, what }) => `${what} ${path}`}
        empty={<Empty title="All files are as before" />}
        columns={[{ id: 'what', header: 'Change', cell: ({ what }) => what }, ...FILE_COLUMNS]}
      />
      {appSpec.some(({ kind }) => kind !== 'same') ? (
        <section aria-label="Difference of the AppSpec">
          <Box variant="pre">{appSpec.map(linesText).join('\n')}</Box>
        </section>
      ) : null}
    </SpaceBetween>
  );
}

function changeText(before: RevisionFileRecord, after: RevisionFileRecord): string {
  const parts = [
    ...(before.kind === after.kind ? [] : [`was a ${before.kind}`]),
    ...(before.crc32 === after.crc32 && before.sizeBytes === after.sizeBytes ? [] : ['other content']),
    ...(before.mode === after.mode ? [] : [`mode was ${before.mode ?? 'not known'}`]),
    ...(before.linkTarget === after.linkTarget ? [] : ['other target']),
  ];
  return parts.join(', ') || 'changed';
}

function linesText({ kind, lines }: TextDifferenceRecord): string {
  const sign = kind === 'same' ? ' ' : kind === 'added' ? '+' : '−';
  return lines.map((line) => `${sign} ${line}`).join('\n');
}
