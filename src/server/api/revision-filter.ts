/** Reads the filters of ListApplicationRevisions: an order, a place in a bucket, and whether a revision is deployed. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { Input } from './context.ts';
import { checkChoice, readText } from './input.ts';

const SORT_COLUMNS = {
  registerTime: 'registered_at_ms',
  firstUsedTime: 'first_used_at_ms',
  lastUsedTime: 'last_used_at_ms',
} as const;
const SORT_KEYS = ['registerTime', 'firstUsedTime', 'lastUsedTime'] as const;
const ORDERS = ['ascending', 'descending'] as const;
const DEPLOYED = ['include', 'exclude', 'ignore'] as const;

export interface RevisionListFilter {
  readonly sortBy: (typeof SORT_COLUMNS)[keyof typeof SORT_COLUMNS];
  readonly descending: boolean;
  /** Bucket and beginning of the key; null: anywhere. */
  readonly place: { readonly bucket: string; readonly keyPrefix: string } | null;
  readonly deployed: (typeof DEPLOYED)[number];
}

/** @throws ApiError the exception of the first member whose value is unknown or empty */
export function readListFilter(input: Input): RevisionListFilter {
  const sortBy = readText(input, 'sortBy') ?? 'registerTime';
  const sortOrder = readText(input, 'sortOrder') ?? 'ascending';
  const deployed = readText(input, 'deployed') ?? 'ignore';
  return {
    sortBy: SORT_COLUMNS[checkChoice(sortBy, 'sortBy', SORT_KEYS, 'InvalidSortByException')],
    descending: checkChoice(sortOrder, 'sortOrder', ORDERS, 'InvalidSortOrderException') === 'descending',
    place: readPlace(input),
    deployed: checkChoice(deployed, 'deployed', DEPLOYED, 'InvalidDeployedStateFilterException'),
  };
}

function readPlace(input: Input): RevisionListFilter['place'] {
  const bucket = readText(input, 's3Bucket');
  const keyPrefix = readText(input, 's3KeyPrefix');
  if (bucket === '') throw new ApiError('InvalidBucketNameFilterException', 's3Bucket is empty.');
  if (keyPrefix === '') throw new ApiError('InvalidKeyPrefixFilterException', 's3KeyPrefix is empty.');
  return bucket === null ? null : { bucket, keyPrefix: keyPrefix ?? '' };
}
