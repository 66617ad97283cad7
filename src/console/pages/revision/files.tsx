/** Files of a bundle as rows. Names are strangers' words and stay words. */
import type { TableProps } from '@cloudscape-design/components/table';
import type { RevisionFileRecord } from '../../../protocol/management/shapes.ts';

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function sizeText(bytes: number): string {
  const step = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${step === 0 ? bytes : (bytes / 1024 ** step).toFixed(1)} ${UNITS[step]}`;
}

export const FILE_COLUMNS: readonly TableProps.ColumnDefinition<RevisionFileRecord>[] = [
  {
    id: 'path',
    header: 'File',
    isRowHeader: true,
    cell: ({ path, linkTarget }) => (linkTarget === undefined ? path : `${path} → ${linkTarget}`),
  },
  { id: 'kind', header: 'Kind', cell: ({ kind }) => kind },
  { id: 'mode', header: 'Mode', cell: ({ mode }) => mode ?? '–' },
  { id: 'size', header: 'Size', cell: ({ kind, sizeBytes }) => (kind === 'file' ? sizeText(sizeBytes) : '–') },
];
