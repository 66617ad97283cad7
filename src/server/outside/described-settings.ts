/** What the server's files say of each name, for people: its kind and its place, and nothing that may be secret. */
import { type NamedThing, readNamedSettings, type Settings } from './named-settings.ts';

export interface DescribedSetting {
  readonly name: string;
  readonly kind: string;
  /** Origin of an address, a path, or a name elsewhere; null: there is none that may be shown. */
  readonly place: string | null;
}

/** Keys that hold a place and no secret, in this order. Addresses may hold one, so of them only the origin is shown. */
const PLACES = ['socket', 'upstreamFile', 'name', 'region'] as const;

/**
 * @param defaultKind of things whose settings name no kind
 * @throws SlipwayError CONFIG_UNREADABLE, CONFIG_INVALID
 */
export function describeSettings(
  file: string | undefined,
  thing: NamedThing,
  defaultKind = '',
): readonly DescribedSetting[] {
  if (file === undefined) return [];
  return readNamedSettings(file, thing).map(([name, settings]) => describe(name, settings, defaultKind));
}

function describe(name: string, settings: Settings, defaultKind: string): DescribedSetting {
  const { kind = defaultKind, url } = settings;
  const origin = typeof url === 'string' ? (/^https?:\/\/(?:[^/?#]*@)?([^/?#]+)/.exec(url)?.[1] ?? null) : null;
  const scheme = typeof url === 'string' ? url.slice(0, url.indexOf(':')) : '';
  const parts = PLACES.flatMap((key) => (isShown(settings[key]) ? [settings[key]] : []));
  return { name, kind: String(kind), place: origin === null ? parts.join(' ') || null : `${scheme}://${origin}` };
}

function isShown(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
