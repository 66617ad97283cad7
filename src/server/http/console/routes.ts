/** Which part of the console a request is for. Pure. */

/**
 * `page`: the program in the browser decides what the path shows. `asset`: one of its files. `call`: an operation of the management API.
 * `session`: who is signed in; `sessions`: all sessions of the key. `events`: the stream of changes.
 */
export type Route =
  | { readonly to: 'page' | 'session' | 'sessions' }
  | { readonly to: 'asset' | 'call'; readonly name: string }
  | { readonly to: 'events'; readonly topic: string };

/** Methods that a part answers. */
export const METHODS: Readonly<Record<Route['to'], readonly string[]>> = {
  page: ['GET', 'HEAD'],
  asset: ['GET', 'HEAD'],
  call: ['POST'],
  session: ['GET', 'POST', 'DELETE'],
  sessions: ['DELETE'],
  events: ['GET'],
};

/** @param url path and query as they came, beginning with `/console` */
export function routeOf(url: string): Route {
  const [path = '', query = ''] = url.split('?', 2);
  const [, , first = '', ...rest] = path.split('/');
  const name = rest.join('/');
  if (first === 'assets') return { to: 'asset', name };
  if (first === 'api') return { to: 'call', name };
  if (name !== '' || path.endsWith('/')) return { to: 'page' };
  if (first === 'session' || first === 'sessions') return { to: first };
  if (first === 'events') return { to: 'events', topic: new URLSearchParams(query).get('topic') ?? '' };
  return { to: 'page' };
}
