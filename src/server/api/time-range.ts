/** A range of times that a request asks for. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { Input } from './context.ts';
import { readObject } from './input.ts';

/** As far as dates go in JavaScript: 273 000 years either way. */
const MAX_TIME_SECONDS = 8.64e12;

export interface TimeRange {
  /** In milliseconds; null: from the beginning. */
  readonly from: number | null;
  readonly to: number | null;
}

/**
 * @param member that holds `start` and `end`, in seconds; each may be missing
 * @throws ApiError InvalidTimeRangeException
 */
export function readTimeRange(input: Input, member: string): TimeRange {
  const range = readObject(input, member);
  const read = (bound: string, toMilliseconds: (value: number) => number): number | null => {
    const value = range?.[bound];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'number' || Math.abs(value) > MAX_TIME_SECONDS)
      throw new ApiError('InvalidTimeRangeException', `${member}.${bound} must be a time in seconds.`);
    // Times are whole milliseconds; a product of decimals seldom is one.
    return toMilliseconds(Number((value * 1000).toFixed(3)));
  };
  const from = read('start', Math.ceil);
  const to = read('end', Math.floor);
  if (from !== null && to !== null && from > to)
    throw new ApiError('InvalidTimeRangeException', `${member} ends before it starts.`);
  return { from, to };
}
