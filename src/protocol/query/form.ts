/**
 * Requests of the AWS Query protocol: a form in the body, with the operation under `Action` and the API's version under `Version`. Pure.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
import { ApiError } from '../errors.ts';

/** The parameters of a request by name. Members of lists have names such as `Tags.member.1.Key`. */
export type Form = ReadonlyMap<string, string>;

/** More names than any operation has. */
const MAX_PARAMETERS = 200;
/** A longer name is cut off in messages; characters. */
const MAX_NAME = 100;

/**
 * Reads a form. A parameter that comes twice is refused: one reader would take the first, and another the last.
 *
 * @throws ApiError MalformedQueryString
 */
export function readForm(body: Buffer): Form {
  const form = new Map<string, string>();
  const text = decode(body, () => malformed('is not UTF-8'));
  if (text === '') return form;
  const pairs = text.split('&', MAX_PARAMETERS + 1);
  if (pairs.length > MAX_PARAMETERS) throw malformed(`has more than ${MAX_PARAMETERS} parameters`);
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at < 1) throw malformed('has a part that is not of the form NAME=VALUE');
    const [name, value] = [decodeWord(pair.slice(0, at)), decodeWord(pair.slice(at + 1))];
    if (form.has(name)) throw malformed(`has the parameter ${printed(name)} more than once`);
    if (value.includes('\0')) throw malformed(`has a NUL character in the parameter ${printed(name)}`);
    form.set(name, value);
  }
  return form;
}

function decodeWord(word: string): string {
  try {
    return decodeURIComponent(word.replaceAll('+', ' '));
  } catch {
    throw malformed('has a percent sign that escapes no UTF-8');
  }
}

function decode(body: Buffer, fault: () => ApiError): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw fault();
  }
}

function printed(name: string): string {
  return JSON.stringify(name.slice(0, MAX_NAME));
}

function malformed(why: string): ApiError {
  return new ApiError('MalformedQueryString', `The body ${why}. Nothing was done.`);
}
