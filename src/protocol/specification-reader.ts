/** Reads the members of a deployment specification. Pure. */
import { SlipwayError } from '../errors.ts';
import { NAME_BYTES, problemOfText } from './wire-text.ts';

/** A deployment has about ten lifecycle events. */
const LIST_LENGTH = 100;
const LISTED_BYTES = 256;

/** The members of one JSON object, read with errors that name their path. */
export class Members {
  readonly #members: Record<string, unknown>;
  readonly #path: string;

  constructor(members: Record<string, unknown>, path: string) {
    this.#members = members;
    this.#path = path;
  }

  /**
   * A text that is there and not empty; null when it is absent, null or empty.
   *
   * @throws SlipwayError SPECIFICATION_INVALID when it is too long, or holds control characters or half of a surrogate pair. The text is
   * not quoted: it may be a secret.
   */
  text(name: string, maxBytes: number = NAME_BYTES): string | null {
    const value = this.#members[name];
    if (value === undefined || value === null || value === '') return null;
    if (typeof value !== 'string') throw invalid(`${this.pathOf(name)} is ${typeof value}, not text`);
    const problem = problemOfText(value, maxBytes);
    if (problem !== null) throw invalid(`${this.pathOf(name)} ${problem}`);
    return value;
  }

  required(name: string, maxBytes: number = NAME_BYTES): string {
    const value = this.text(name, maxBytes);
    if (value === null) throw invalid(`the member ${this.pathOf(name)} is missing`);
    return value;
  }

  /** The member as it is; undefined when it is absent. */
  value(name: string): unknown {
    return this.#members[name];
  }

  isFalse(name: string): boolean {
    return this.#members[name] === false;
  }

  object(name: string): Members | null {
    const value = this.#members[name];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${this.pathOf(name)} is not an object`);
    return new Members(value as Record<string, unknown>, this.pathOf(name));
  }

  /**
   * The texts of a list; members of other types are dropped, as the official agent 2.x does.
   *
   * @throws SlipwayError SPECIFICATION_INVALID when there are too many, or one breaks the rules for texts
   */
  textList(name: string): readonly string[] | null {
    const value = this.#members[name];
    if (value === undefined || value === null) return null;
    if (!Array.isArray(value)) throw invalid(`${this.pathOf(name)} is not a list`);
    if (value.length > LIST_LENGTH) throw invalid(`${this.pathOf(name)} has more than ${LIST_LENGTH} members`);
    const texts = value.filter((member) => typeof member === 'string');
    for (const text of texts) {
      const problem = problemOfText(text, LISTED_BYTES);
      if (problem !== null) throw invalid(`a member of ${this.pathOf(name)} ${problem}`);
    }
    return texts;
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  requiredObject(name: string): Members {
    const object = this.object(name);
    if (object === null) throw invalid(`the member ${this.pathOf(name)} is missing`);
    return object;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T {
    const given = this.required(name);
    const found = allowed.find((value) => value === given);
    if (found === undefined) throw invalid(`${this.pathOf(name)} is ${quote(given)}, not ${allowed.join(', ')}`);
    return found;
  }
}

/** The members of the object that a JSON text holds. @throws SlipwayError SPECIFICATION_INVALID when it holds none */
export function readMembers(json: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    // The parser's own message would quote from the text, perhaps from a token in it.
    throw invalid('it is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid('it is not a JSON object');
  return new Members(value as Record<string, unknown>, '');
}

/** The error for a specification that cannot be used. */
export function invalid(what: string): SlipwayError {
  return new SlipwayError('SPECIFICATION_INVALID', `the deployment specification cannot be used: ${what}`);
}

/** A value in a message: on one line and not too long, whatever it is. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
