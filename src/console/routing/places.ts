/** Every page of the console has an address, and every address a page. Pure. */

export type Place =
  | { readonly page: 'dashboard' | 'applications' | 'configs' | 'keys' | 'settings' | 'unknown' }
  | { readonly page: 'hosts'; readonly filter: HostsFilter }
  | { readonly page: 'application'; readonly application: string }
  | { readonly page: 'group' | 'edit-group'; readonly application: string; readonly group: string }
  | { readonly page: 'new-group'; readonly application: string }
  | { readonly page: 'deployments'; readonly filter: DeploymentsFilter }
  | { readonly page: 'deployment'; readonly id: string; readonly target: string | null }
  | { readonly page: 'host'; readonly name: string }
  | { readonly page: 'revisions'; readonly application: string | null }
  | {
      readonly page: 'revision';
      readonly application: string;
      /** The API's RevisionLocation, as JSON. */
      readonly at: string;
      /** Group whose revision it is compared with; null: none is chosen. */
      readonly group: string | null;
    }
  | { readonly page: 'audit'; readonly filter: AuditFilter };

export interface DeploymentsFilter {
  readonly application: string | null;
  readonly group: string | null;
  readonly status: string | null;
}

export interface HostsFilter {
  readonly text: string | null;
  /** null: all. */
  readonly show: 'registered' | 'attention' | null;
}

/** The list of hosts without a filter. */
export const ALL_HOSTS: Place = { page: 'hosts', filter: { text: null, show: null } };

export interface AuditFilter {
  readonly actor: string | null;
  readonly operation: string | null;
  readonly application: string | null;
}

const BASE = '/console';

/** @param path of the address, without its query @param query with or without its question mark */
export function placeAt(path: string, query: string): Place {
  if (path !== BASE && !path.startsWith(`${BASE}/`)) return { page: 'unknown' };
  const names = path.slice(BASE.length).split('/').filter(Boolean).map(nameIn);
  const given = new URLSearchParams(query);
  const [kind, first, second, more] = names;
  if (more !== undefined || names.includes(null)) return { page: 'unknown' };
  switch (kind) {
    case undefined:
      return { page: 'dashboard' };
    case 'applications':
      if (first == null) return { page: 'applications' };
      return second == null
        ? { page: 'application', application: first }
        : { page: 'group', application: first, group: second };
    case 'deployments': {
      if (first != null) return { page: 'deployment', id: first, target: given.get('target') };
      const [application, group, status] = ['application', 'group', 'status'].map((name) => given.get(name));
      return {
        page: 'deployments',
        filter: { application: application ?? null, group: group ?? null, status: status ?? null },
      };
    }
    case 'hosts':
      return first == null ? { page: 'hosts', filter: hostsFilterOf(given) } : { page: 'host', name: first };
    case 'new-group':
      return first == null || second != null ? { page: 'unknown' } : { page: kind, application: first };
    case 'edit-group':
      return first == null || second == null ? { page: 'unknown' } : { page: kind, application: first, group: second };
    case 'configs':
    case 'keys':
    case 'settings':
      return first === undefined ? { page: kind } : { page: 'unknown' };
    case 'revisions':
      return { page: 'revisions', application: given.get('application') };
    case 'revision': {
      const [application, at] = ['application', 'at'].map((name) => given.get(name));
      if (application == null || at == null) return { page: 'unknown' };
      return { page: 'revision', application, at, group: given.get('group') };
    }
    case 'audit': {
      const [actor, operation, application] = ['actor', 'operation', 'application'].map((name) => given.get(name));
      return {
        page: 'audit',
        filter: { actor: actor ?? null, operation: operation ?? null, application: application ?? null },
      };
    }
    default:
      return { page: 'unknown' };
  }
}

/** The address of a place, without its host. */
export function addressOf(place: Place): string {
  switch (place.page) {
    case 'dashboard':
    case 'unknown':
      return `${BASE}/`;
    case 'applications':
    case 'configs':
    case 'keys':
    case 'settings':
      return `${BASE}/${place.page}`;
    case 'hosts':
      return `${BASE}/hosts${queryOf({ ...place.filter })}`;
    case 'application':
      return `${BASE}/applications/${segment(place.application)}`;
    case 'group':
      return `${BASE}/applications/${segment(place.application)}/${segment(place.group)}`;
    case 'new-group':
      return `${BASE}/new-group/${segment(place.application)}`;
    case 'edit-group':
      return `${BASE}/edit-group/${segment(place.application)}/${segment(place.group)}`;
    case 'deployments':
      return `${BASE}/deployments${queryOf({ ...place.filter })}`;
    case 'deployment':
      return `${BASE}/deployments/${segment(place.id)}${queryOf({ target: place.target })}`;
    case 'host':
      return `${BASE}/hosts/${segment(place.name)}`;
    case 'revisions':
      return `${BASE}/revisions${queryOf({ application: place.application })}`;
    case 'revision':
      return `${BASE}/revision${queryOf({ application: place.application, at: place.at, group: place.group })}`;
    case 'audit':
      return `${BASE}/audit${queryOf({ ...place.filter })}`;
  }
}

function hostsFilterOf(given: URLSearchParams): HostsFilter {
  const show = given.get('show');
  return { text: given.get('text'), show: show === 'registered' || show === 'attention' ? show : null };
}

/** A browser would take `.` and `..` for ways to other folders, so such a name is marked. */
const MARK = '~';

function segment(name: string): string {
  return encodeURIComponent(/^\.*$/.test(name) || name.startsWith(MARK) ? `${MARK}${name}` : name);
}

/** @returns null: the address is broken */
function nameIn(text: string): string | null {
  try {
    const name = decodeURIComponent(text);
    return name.startsWith(MARK) ? name.slice(MARK.length) : name;
  } catch {
    return null;
  }
}

function queryOf(members: Readonly<Record<string, string | null>>): string {
  const given = Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== null);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
