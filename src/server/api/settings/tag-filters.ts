/** The filters by which a deployment group finds its hosts. Pure. */
import { ApiError } from '../../../protocol/errors.ts';
import type { ExceptionName } from '../../../protocol/management/modelled-exceptions.ts';
import type { Input } from '../context.ts';
import { checkChoice, readList, readObject, readText, requireObject } from '../input.ts';
import { isEmpty } from '../not-done.ts';

const FILTER_TYPES = ['KEY_ONLY', 'VALUE_ONLY', 'KEY_AND_VALUE'];
const MAX_FILTERS = 10;
const MAX_LISTS = 3;

export interface TagForms {
  /** A list of filters, and lists of them: a group has one of the two. */
  readonly flat: string;
  readonly set: string;
  readonly setList: string;
  readonly both: ExceptionName;
  readonly invalid: ExceptionName;
  readonly tooMany: ExceptionName;
}

const TOO_MANY = 'TagSetListLimitExceededException';

const ON_PREMISES: TagForms = {
  flat: 'onPremisesInstanceTagFilters',
  set: 'onPremisesTagSet',
  setList: 'onPremisesTagSetList',
  both: 'InvalidOnPremisesTagCombinationException',
  invalid: 'InvalidTagException',
  tooMany: TOO_MANY,
};
/** Here they match the tags of enrolled hosts, too. */
const EC2: TagForms = {
  flat: 'ec2TagFilters',
  set: 'ec2TagSet',
  setList: 'ec2TagSetList',
  both: 'InvalidEC2TagCombinationException',
  invalid: 'InvalidEC2TagException',
  tooMany: TOO_MANY,
};

/** @throws ApiError what a form's filters are refused with, or TagSetListLimitExceededException */
export function checkTagFilters(input: Input): void {
  for (const forms of [ON_PREMISES, EC2]) checkTagForms(input, forms);
}

/** @param prefix of the members' names in messages @throws ApiError one of `forms` */
export function checkTagForms(input: Input, forms: TagForms, prefix = ''): void {
  const { flat, set, setList, both } = forms;
  const filters = readList(input, flat) ?? [];
  const lists = readList(readObject(input, set) ?? {}, setList) ?? [];
  if (!isEmpty(filters) && !isEmpty(lists))
    throw new ApiError(both, `${prefix}${flat} and ${prefix}${set} cannot both be given.`);
  checkList(filters, `${prefix}${flat}`, forms);
  const path = `${prefix}${set}.${setList}`;
  if (lists.length > MAX_LISTS) throw tooMany(forms, path, lists.length, `${MAX_LISTS} lists`);
  for (const [index, list] of lists.entries()) checkList(list as readonly unknown[], `${path}[${index}]`, forms);
}

function checkList(filters: readonly unknown[], path: string, forms: TagForms): void {
  if (filters.length > MAX_FILTERS) throw tooMany(forms, path, filters.length, `${MAX_FILTERS} filters`);
  for (const [index, filter] of filters.entries()) {
    checkFilter(requireObject(filter, path), `${path}[${index}]`, forms.invalid);
  }
}

function tooMany(forms: TagForms, path: string, count: number, limit: string): ApiError {
  return new ApiError(forms.tooMany, `${path} has ${count} entries; ${limit} are the limit.`);
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
