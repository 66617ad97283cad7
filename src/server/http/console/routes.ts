/** Which part of the console a request is for. Pure. */

/**
 * `page`: the program in the browser decides what the path shows. `asset`: one of its files. `call`: an operation of the management API.
 * `session`: who is signed in; `sessions`: all sessions of the key. `events`: the stream of changes. `single-sign-on`: how a provider signs
 * people in, and the beginning of it; `callback`: where the provider sends the browser back to.
 */
export type Route =
  | { readonly to: 'page' | 'session' | 'sessions' | 'single-sign-on' | 'callback' }
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
  'single-sign-on': ['GET', 'POST'],
  callback: ['GET'],
};

/** @param url path and query as they came, beginning with `/console` */
export function routeOf(url: string): Route {
  const [path = '', query = ''] = url.split('?', 2);
  const [, , first = '', ...rest] = path.split('/');
  const name = rest.join('/');
  if (first === 'assets') return { to: 'asset', name };
  if (first === 'api') return { to: 'call', name };
  if (first === 'single-sign-on' && name === 'callback') return { to: 'callback' };
  if (name !== '' || path.endsWith('/')) return { to: 'page' };
  if (first === 'session' || first === 'sessions' || first === 'single-sign-on') return { to: first };
  if (first === 'events') return { to: 'events', topic: new URLSearchParams(query).get('topic') ?? '' };
  return { to: 'page' };
}
