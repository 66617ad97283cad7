/** The body of a call of the API, as a JSON object that everybody who reads it reads alike. Pure. */
import { messageOf } from '../../errors.ts';
import { ApiError } from '../../protocol/errors.ts';

/** Far deeper than any request of these APIs. */
const MAX_DEPTH = 64;
/** More of a foreign name is not repeated; characters. */
const MAX_NAME = 100;

/**
 * Reads a body. A member that comes twice is refused: one reader would take the first, and another the last.
 *
 * @returns an object without members for a body without bytes
 * @throws ApiError SerializationException
 */
export function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {};
  let value: unknown;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    value = JSON.parse(text);
  } catch (cause) {
    throw refused(`is not JSON: ${messageOf(cause)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused('must be a JSON object');
  requireSingleMembers(text);
  return value as Record<string, unknown>;
}

/** Walks over the text once. @param json that has been parsed, so its form is known to be right */
function requireSingleMembers(json: string): void {
  /** The names of each object around, null for a list; made when the first name comes. */
  const around: (Set<string> | null)[] = [];
  let isName = false;
  for (let at = 0; at < json.length; at += 1) {
    switch (json[at]) {
      case '{':
      case '[':
        around.push(json[at] === '{' ? new Set() : null);
        if (around.length > MAX_DEPTH) throw refused(`is nested deeper than ${MAX_DEPTH}`);
        isName = json[at] === '{';
        break;
      case '}':
      case ']':
        around.pop();
        isName = false;
        break;
      case ',':
        isName = around.at(-1) != null;
        break;
      case '"': {
        const end = endOfText(json, at);
        if (isName) noteName(around.at(-1) ?? new Set(), JSON.parse(json.slice(at, end + 1)) as string);
        isName = false;
        at = end;
      }
    }
  }
}

function noteName(names: Set<string>, name: string): void {
  if (names.has(name)) throw refused(`has the member ${JSON.stringify(name.slice(0, MAX_NAME))} more than once`);
  names.add(name);
}

/** @param at of the quote before it @returns where the quote behind it is */
function endOfText(json: string, at: number): number {
  for (let end = at + 1; ; end += 1) {
    if (json[end] === '\\') end += 1;
    else if (json[end] === '"' || end >= json.length) return end;
  }
}

function refused(why: string): ApiError {
  return new ApiError('SerializationException', `The body ${why}. Nothing was done.`);
}
