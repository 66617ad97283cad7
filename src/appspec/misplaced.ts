/** Keys that stand where nobody reads them, and where they belong. Pure. */
import { HOOK_EVENTS } from '../protocol/lifecycle-events.ts';

/** A part of the AppSpec file that has keys of its own. */
export type Section = 'top' | 'files' | 'hooks' | 'script' | 'permissions' | 'context';

interface Home {
  readonly section: Exclude<Section, 'hooks'>;
  /** As it is written there. */
  readonly key: string;
}

/** Words that people write, without capitals and separators → the key that they mean. */
const HOMES: Readonly<Record<string, Home>> = {
  ...homes('top', ['version', 'os', 'files', 'permissions', 'hooks', 'file_exists_behavior']),
  ...homes('files', ['source', 'destination']),
  ...homes('script', ['location', 'timeout', 'runas', 'sudo']),
  ...homes('permissions', ['object', 'pattern', 'except', 'owner', 'group', 'mode', 'acls', 'type', 'context']),
  ...homes('context', ['range']),
  fileexistsbehaviour: { section: 'top', key: 'file_exists_behavior' },
  fileexistsbehaviors: { section: 'top', key: 'file_exists_behavior' },
  overwrite: { section: 'top', key: 'file_exists_behavior: OVERWRITE' },
  overwriteexisting: { section: 'top', key: 'file_exists_behavior: OVERWRITE' },
  force: { section: 'top', key: 'file_exists_behavior: OVERWRITE' },
  permission: { section: 'top', key: 'permissions' },
  hook: { section: 'top', key: 'hooks' },
  file: { section: 'top', key: 'files' },
  src: { section: 'files', key: 'source' },
  dest: { section: 'files', key: 'destination' },
  dst: { section: 'files', key: 'destination' },
  target: { section: 'files', key: 'destination' },
  timeoutseconds: { section: 'script', key: 'timeout' },
  runasuser: { section: 'script', key: 'runas' },
  script: { section: 'script', key: 'location' },
  acl: { section: 'permissions', key: 'acls' },
  chmod: { section: 'permissions', key: 'mode' },
  chown: { section: 'permissions', key: 'owner' },
};

const PLACES: Readonly<Record<Home['section'], string>> = {
  top: 'at the top of the file, where it counts for all files',
  files: 'in an entry of files',
  script: 'in the entry of a script, beside its location',
  permissions: 'in an entry of permissions, beside the object',
  context: 'in the context of an entry of permissions',
};

/**
 * Tells where a misplaced key belongs; null: no section knows it, or it belongs to this very section and is only misspelt.
 *
 * @returns goes on after `'NAME' is no key of … and is ignored: `
 */
export function whereItBelongs(name: string, here: Section): string | null {
  const event = eventOf(name);
  if (event !== null && here !== 'hooks') return `${event} belongs below hooks`;
  const home = homeOf(name);
  if (home === null || (here !== 'hooks' && home.section === here)) return null;
  const place = home.section === 'top' && home.key.includes('file_exists') ? PLACES.top : placeWithout(home);
  return `${home.key} belongs ${place}`;
}

/** The key of this very section that is meant, whatever its capitals and separators, or by another word. */
export function keyMeant(name: string, here: Section): string | null {
  const home = homeOf(name);
  return home !== null && home.section === here && home.key !== name ? home.key : null;
}

/** The lifecycle event with this name, whatever its capitals and separators. */
export function eventOf(name: string): string | null {
  return HOOK_EVENTS.find((event) => squashed(event) === squashed(name)) ?? null;
}

function homeOf(name: string): Home | null {
  const word = squashed(name);
  return Object.hasOwn(HOMES, word) ? (HOMES[word] ?? null) : null;
}

function placeWithout({ section }: Home): string {
  return section === 'top' ? 'at the top of the file' : PLACES[section];
}

function homes(section: Home['section'], keys: readonly string[]): Record<string, Home> {
  return Object.fromEntries(keys.map((key) => [squashed(key), { section, key }]));
}

function squashed(text: string): string {
  return text.toLowerCase().replace(/[-_\s]/g, '');
}
