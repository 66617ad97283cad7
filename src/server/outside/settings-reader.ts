/** Reads the settings of one thing that a file of the server names, key by key, and complains about each by its name. */
import { readFileSync } from 'node:fs';
import { messageOf, SlipwayError } from '../../errors.ts';
import { fileFault } from '../../system/system-remedies.ts';
import { faultOfTemplate } from './host-template.ts';
import { invalidSettings, isSettings, type NamedThing, type Settings } from './named-settings.ts';
import type { ProbeSettings } from './probe.ts';

export type Reader = ReturnType<typeof createReader>;

export interface ReadSettings {
  readonly file: string;
  readonly thing: NamedThing;
  /** Empty: the settings are the whole file's. */
  readonly name: string;
  readonly settings: Settings;
}

/** Everything that is read is known: at the end `done` complains about the rest. All others throw SlipwayError CONFIG_INVALID naming the key. */
export function createReader({ file, thing, name, settings }: ReadSettings) {
  const known = new Set<string>();
  const wrong = (key: string, why: string) => invalidSettings(file, thing, `${pathOf(name, key)} ${why}`);
  const get = (key: string): unknown => {
    known.add(key.split('.')[0] ?? key);
    return key.split('.').reduce((value: unknown, part) => (isSettings(value) ? value[part] : undefined), settings);
  };
  const text = (key: string, byDefault?: string): string => {
    const value = get(key) ?? byDefault;
    if (typeof value === 'string' && value !== '') return value;
    throw wrong(key, value === undefined ? 'is missing' : 'must be a text that is not empty');
  };
  const number = (key: string, byDefault: number, max: number, min = 0): number => {
    const value = get(key) ?? byDefault;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw wrong(key, `must be a whole number from ${min} to ${max}`);
  };
  const template = (key: string): string => {
    const value = text(key);
    const fault = faultOfTemplate(value);
    if (fault === null) return value;
    throw wrong(key, `is wrong: ${fault}`);
  };
  const url = (key: string): string => {
    const value = text(key);
    if (/^https?:$/.test(URL.parse(value.replaceAll(/[{}]/g, ''))?.protocol ?? '')) return value;
    // A place for the host may be where a port would be.
    if (/^https?:\/\/[^\s]+$/.test(value) && value.includes('{')) return value;
    throw wrong(key, 'must be an http:// or https:// address');
  };
  const secretOf = (path: string): string => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch (cause) {
      throw new SlipwayError('CONFIG_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, fileFault(cause));
    }
  };
  return {
    ...{ wrong, text, number, template, url },
    has: (key: string) => get(key) !== undefined,
    seconds: (key: string, byDefault: number) => number(key, byDefault, 3600),
    positiveSeconds: (key: string, byDefault: number) => number(key, byDefault, 3600, 1),
    word(key: string): string {
      const value = text(key);
      if (!/[\s;/]/.test(value)) return value;
      throw wrong(key, 'must be one word');
    },
    path(key: string, byDefault?: string): string {
      const value = text(key, byDefault);
      if (value.startsWith('/')) return value;
      throw wrong(key, 'must be an absolute path');
    },
    flag(key: string): boolean {
      const value = get(key) ?? false;
      if (typeof value === 'boolean') return value;
      throw wrong(key, 'must be true or false');
    },
    command(key: string, byDefault?: readonly string[]): readonly string[] {
      const value = get(key) ?? byDefault;
      const words = typeof value === 'string' ? [value] : value;
      if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string' && word !== '')) {
        return words as readonly string[];
      }
      throw wrong(key, 'must be a program, or a list of a program and its arguments');
    },
    /** One text, or a list of texts. */
    words(key: string, byDefault?: readonly string[]): readonly string[] {
      const value = get(key) ?? byDefault;
      const words = typeof value === 'string' ? [value] : value;
      if (Array.isArray(words) && words.every((word) => typeof word === 'string' && word !== '')) {
        if (words.length > 0 || byDefault?.length === 0) return words as readonly string[];
      }
      throw wrong(key, value === undefined ? 'is missing' : 'must be a text, or a list of texts');
    },
    list(key: string): readonly unknown[] {
      const value = get(key);
      if (Array.isArray(value)) return value;
      throw wrong(key, value === undefined ? 'is missing' : 'must be a list');
    },
    secret(): string {
      const value = get('secretFile') === undefined ? text('secret') : secretOf(text('secretFile'));
      if (value.length >= 16) return value;
      throw wrong('secret', 'must have 16 characters or more');
    },
    probe(): ProbeSettings | null {
      if (get('probe') === undefined) return null;
      template('probe.url');
      return {
        url: url('probe.url'),
        status: number('probe.status', 200, 599),
        times: Math.max(1, number('probe.times', 2, 10)),
      };
    },
    /** The settings under a key, for a reader of their own; null: there are none. */
    part(key: string): ReadSettings | null {
      const value = get(key);
      if (value === undefined) return null;
      if (isSettings(value)) return { file, thing, name: pathOf(name, key), settings: value };
      throw wrong(key, 'must hold settings');
    },
    done<Read>(read: Read): Read {
      const unknown = Object.keys(settings).find((key) => key !== 'kind' && !known.has(key));
      if (unknown === undefined) return read;
      throw wrong(unknown, 'is not known');
    },
  };
}

function pathOf(name: string, key: string): string {
  return name === '' ? key : `${name}.${key}`;
}
