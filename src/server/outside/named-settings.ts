/** Files of the server that describe what the API names, such as load balancers: a mapping from names to settings, in YAML or JSON. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { messageOf, SlipwayError } from '../../errors.ts';
import { fileFault } from '../../system/system-remedies.ts';

export type Settings = Readonly<Record<string, unknown>>;

/** Kind of thing that the file describes, for messages. */
export interface NamedThing {
  /** The kind with its article, such as `a load balancer`. */
  readonly one: string;
  /** Page of `docs/` that shows such a file, with the section if the page has several. */
  readonly shownIn: string;
}

/** @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID */
export function readNamedSettings(file: string, thing: NamedThing): readonly (readonly [string, Settings])[] {
  const holds = `names, each with the settings of ${thing.one}`;
  return Object.entries(readSettings(file, thing, holds)).map(([name, settings]) => {
    if (isSettings(settings)) return [name, settings] as const;
    throw invalidSettings(file, thing, `${name} must hold the settings of ${thing.one}`);
  });
}

/**
 * Reads a file that holds the settings of one thing.
 *
 * @param holds content of such a file, for messages
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID
 */
export function readSettings(file: string, thing: NamedThing, holds = `the settings of ${thing.one}`): Settings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new SlipwayError('CONFIG_UNREADABLE', `${file} cannot be read: ${messageOf(cause)}`, fileFault(cause));
  }
  const document = parseDocument(text, { logLevel: 'silent' });
  const [error] = document.errors;
  if (error !== undefined) throw invalidSettings(file, thing, `it is not YAML: ${error.message.split('\n')[0]}`);
  const value: unknown = document.toJS();
  if (isSettings(value)) return value;
  throw invalidSettings(file, thing, `it must hold ${holds}`);
}

export function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function invalidSettings(file: string, { shownIn }: NamedThing, why: string): SlipwayError {
  return new SlipwayError('CONFIG_INVALID', `${file}: ${why}`, {
    remedy: `Correct it as ${shownIn} shows.`,
  });
}
