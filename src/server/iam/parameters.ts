/** Reads the parameters of IAM's operations. Patterns and limits are those of the IAM API 2010-05-08. Pure. */
import { ApiError } from '../../protocol/errors.ts';
import type { QueryOutput, QueryValue } from '../../protocol/query/answer.ts';
import type { Form } from '../../protocol/query/form.ts';

const NAME = /^[A-Za-z0-9_+=,.@-]+$/;
const PATH = /^\/(?:[A-Za-z0-9_+=,.@/-]{1,200}\/)?$/;
const MAX_NEW_NAME = 64;
const MAX_NAME = 128;
const DEFAULT_ITEMS = 100;
const MAX_ITEMS = 1_000;

/** @throws ApiError ValidationError */
export function readUserName(form: Form, isNew = false): string {
  return readIamName(form, 'UserName', isNew ? MAX_NEW_NAME : MAX_NAME);
}

/** @throws ApiError ValidationError */
export function readPolicyName(form: Form): string {
  return readIamName(form, 'PolicyName', MAX_NAME);
}

function readIamName(form: Form, parameter: string, limit: number): string {
  const name = readRequired(form, parameter);
  if (name.length <= limit && NAME.test(name)) return name;
  const shown = JSON.stringify(name.slice(0, limit));
  throw invalid(`${parameter} ${shown} must have 1 to ${limit} of the characters A-Z a-z 0-9 _ + = , . @ -`);
}

/** The path of a new user, `/` unless it is given. @throws ApiError ValidationError */
export function readPath(form: Form): string {
  const path = form.get('Path') ?? '/';
  if (!PATH.test(path) || path.includes('//')) {
    throw invalid(
      `Path ${JSON.stringify(path.slice(0, 100))} must be / or begin and end with a slash, such as /hosts/`,
    );
  }
  return path;
}

/** @throws ApiError ValidationError when it is missing or empty */
export function readRequired(form: Form, parameter: string): string {
  const value = form.get(parameter) ?? '';
  if (value === '') throw invalid(`The parameter ${parameter} is missing or empty.`);
  return value;
}

export interface Page {
  /** The last entry of the page before; empty on the first page. */
  readonly after: string;
  /** How many entries the page has at most. */
  readonly size: number;
}

/** @throws ApiError ValidationError */
export function readPage(form: Form): Page {
  const items = form.get('MaxItems') ?? String(DEFAULT_ITEMS);
  const size = /^\d{1,4}$/.test(items) ? Number(items) : 0;
  if (size < 1 || size > MAX_ITEMS) throw invalid(`MaxItems must be a number from 1 to ${MAX_ITEMS}.`);
  const after = form.get('Marker') ?? '';
  if (after !== '' && !NAME.test(after)) throw invalid('The Marker is not one that this server has given.');
  return { after, size };
}

/**
 * One page of a list, in the words of IAM.
 *
 * @param entries behind the marker and in order; one more than the page has shows that another page follows
 * @param member the list's name in the answer
 */
export function pageOf<Entry>(
  { size }: Page,
  entries: readonly Entry[],
  member: string,
  { show, keyOf }: { show(entry: Entry): QueryValue; keyOf(entry: Entry): string },
): QueryOutput {
  const shown = entries.slice(0, size);
  const last = shown.at(-1);
  const isTruncated = entries.length > size && last !== undefined;
  return {
    [member]: shown.map(show),
    IsTruncated: isTruncated,
    ...(isTruncated ? { Marker: keyOf(last) } : {}),
  };
}

export function invalid(message: string): ApiError {
  return new ApiError('ValidationError', message);
}
