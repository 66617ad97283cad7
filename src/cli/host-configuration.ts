/**
 * The agent's configuration as enrolment leaves it. Enrolment decides who the host is, which server it talks to and whom it trusts, and
 * nothing else: every other key, its value and the comments are the operator's.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isMap, isScalar, type Pair, parseDocument, stringify, YAMLMap } from 'yaml';
import { readSettings } from '../config/settings-file.ts';

/** Values by their keys; null: the file must not hold the key. */
export type Settings = Readonly<Record<string, string | number | boolean | null>>;

export interface HostSettings {
  /** Take the place of what the file says. */
  readonly decided: Settings;
  /** Are written only where the file says nothing. */
  readonly proposed: Settings;
}

/**
 * The configuration that is there.
 *
 * @returns its text; empty when there is no file
 * @throws SlipwayError CONFIG_UNREADABLE, or CONFIG_INVALID naming file and line: its settings could not be kept
 */
export function readConfiguration(file: string): string {
  if (!existsSync(file)) return '';
  readSettings(file);
  return readFileSync(file, 'utf8');
}

/** The value of a key; undefined: the text has no such key, or its value is no text. */
export function textSetting(text: string, name: string): string | undefined {
  const found = mapOf(parseDocument(text).contents).items.findLast((pair) => nameOf(pair) === name);
  return isScalar(found?.value) && typeof found.value.value === 'string' ? found.value.value : undefined;
}

/** The keys that the new configuration takes over from the one before, with the values that they had. */
export function keptNames(text: string, { decided }: Pick<HostSettings, 'decided'>): string[] {
  const names = mapOf(parseDocument(text).contents).items.map(nameOf);
  return [...new Set(names)].filter((name) => !Object.hasOwn(decided, name));
}

/** @param text a configuration, YAML; empty: there is none yet. Comments of one that sets nothing stay above the settings */
export function withHostSettings(text: string, { decided, proposed }: HostSettings): string {
  const document = parseDocument(text);
  if (!isMap(document.contents)) {
    const written = Object.entries({ ...decided, ...proposed }).filter(([, value]) => value !== null);
    const settings = stringify(Object.fromEntries(written));
    return text.trim() === '' ? settings : `${text.trimEnd()}\n\n${settings}`;
  }
  const map = document.contents as unknown as YAMLMap;
  const set = (name: string, value: Settings[string]) => {
    const [first, ...others] = map.items.filter((pair) => nameOf(pair) === name);
    const superfluous = new Set(value === null ? [first, ...others] : others);
    map.items = map.items.filter((pair) => !superfluous.has(pair));
    if (value === null) return;
    if (first === undefined) map.add(document.createPair(name, value));
    // Its key stays as it is written: the official agents write `:root_dir:`.
    else first.value = document.createNode(value);
  };
  for (const [name, value] of Object.entries(decided)) set(name, value);
  const names = new Set(map.items.map(nameOf));
  for (const [name, value] of Object.entries(proposed)) if (!names.has(name)) set(name, value);
  return document.toString();
}

function mapOf(contents: unknown): YAMLMap {
  return isMap(contents) ? (contents as YAMLMap) : new YAMLMap();
}

/** As `readSettings` reads it. */
function nameOf({ key }: Pair): string {
  return String(isScalar(key) ? key.value : key).replace(/^:(?=\S)/, '');
}
