/** The filters by which a deployment group finds its hosts. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { ExceptionName } from '../../../protocol/management/modelled-exceptions.ts';
import type { Input } from '../context.ts';
import { checkChoice, readList, readObject, readText, requireObject } from '../input.ts';
import { isEmpty } from '../not-done.ts';

const FILTER_TYPES = ['KEY_ONLY', 'VALUE_ONLY', 'KEY_AND_VALUE'];
const MAX_FILTERS = 10;
const MAX_LISTS = 3;
const FLAT = 'onPremisesInstanceTagFilters';
const SET = 'onPremisesTagSet';

/**
 * Checks both forms in which a group says its hosts: a list of filters, or lists of them.
 *
 * @throws ApiError InvalidOnPremisesTagCombinationException, TagSetListLimitExceededException, InvalidTagException
 */
export function checkTagFilters(input: Input): void {
  const flat = readList(input, FLAT) ?? [];
  const lists = readList(readObject(input, SET) ?? {}, 'onPremisesTagSetList') ?? [];
  if (!isEmpty(flat) && !isEmpty(lists)) {
    throw new ApiError('InvalidOnPremisesTagCombinationException', `${FLAT} and ${SET} cannot both be given.`);
  }
  checkList(flat, FLAT);
  const setList = `${SET}.onPremisesTagSetList`;
  if (lists.length > MAX_LISTS) throw tooMany(setList, lists.length, `${MAX_LISTS} lists`);
  for (const [index, list] of lists.entries()) checkList(list as readonly unknown[], `${setList}[${index}]`);
}

function checkList(filters: readonly unknown[], path: string): void {
  if (filters.length > MAX_FILTERS) throw tooMany(path, filters.length, `${MAX_FILTERS} filters`);
  for (const [index, filter] of filters.entries()) {
    checkFilter(requireObject(filter, path), `${path}[${index}]`, 'InvalidTagException');
  }
}

function tooMany(path: string, count: number, limit: string): ApiError {
  return new ApiError('TagSetListLimitExceededException', `${path} has ${count} entries; ${limit} are the limit.`);
}

/** @param path where the filter is in the request @throws ApiError of the type `invalid` */
export function checkFilter(filter: Input, path: string, invalid: ExceptionName): void {
  const type = readText(filter, 'Type');
  const key = readText(filter, 'Key');
  const value = readText(filter, 'Value');
  if (type !== null) checkChoice(type, `${path}.Type`, FILTER_TYPES, invalid);
  if (type !== 'VALUE_ONLY' && !key) throw new ApiError(invalid, `${path}.Key is missing or empty.`);
  if (type === 'VALUE_ONLY' && value === null) {
    throw new ApiError(invalid, `${path}.Value is missing; a filter of type VALUE_ONLY needs one.`);
  }
}
