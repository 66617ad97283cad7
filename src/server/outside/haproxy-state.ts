/** Reads what HAProxy's runtime API says about the servers of a backend. Pure. */

export interface HaproxyServer {
  readonly name: string;
  /** `UP`, `UP 1/2` (not confirmed), `DOWN`, `DRAIN`, `MAINT`, `no check`. */
  readonly status: string;
  /** Requests in service (in TCP mode: connections), and those in its queue. */
  readonly served: number;
  /** `L7OK`, `L4CON`, … as the last check ended; empty without checks. */
  readonly check: string;
}

/**
 * Reads the answer to `show stat BACKEND 4 -1`, with columns by the names in its first line.
 *
 * @returns null: it is no such answer
 */
export function parseStat(text: string, backend: string): readonly HaproxyServer[] | null {
  const [head = '', ...rows] = text.trim().split('\n');
  if (!head.startsWith('# pxname,')) return null;
  const names = head.slice(2).split(',');
  const servers: HaproxyServer[] = [];
  for (const row of rows) {
    const cells = row.split(',');
    const cell = (name: string) => cells[names.indexOf(name)] ?? '';
    if (cell('pxname') !== backend || cell('svname') === 'BACKEND' || cell('svname') === 'FRONTEND') continue;
    servers.push({
      name: cell('svname'),
      status: cell('status'),
      served: Number(cell('scur')) + Number(cell('qcur')),
      // While a check is under way, the end of the one before has a star.
      check: cell('check_status').replace(/^\* /, ''),
    });
  }
  return servers;
}

/**
 * Bits of `srv_admin_state`, as the manual of HAProxy's management socket has them: set by the socket, or by another server. 0x04 is none of them:
 * it says that the configuration begins with the server disabled, and stays when it has been brought in.
 */
const MAINT_BITS = 0x01 | 0x02 | 0x20;
const DRAIN_BITS = 0x08 | 0x10;

/** State that an operator has set: `DOWN` hides in its status that it drains. */
export type AdminState = 'ready' | 'drain' | 'maint';

/**
 * Reads the answer to `show servers state BACKEND`, by server.
 *
 * @returns null: it is no such answer
 */
export function parseAdminStates(text: string): ReadonlyMap<string, AdminState> | null {
  const [version, head = '', ...rows] = text.trim().split('\n');
  if (version !== '1' || !head.startsWith('# ')) return null;
  const names = head.slice(2).split(' ');
  const states = new Map<string, AdminState>();
  for (const row of rows) {
    const cells = row.split(' ');
    const bits = Number(cells[names.indexOf('srv_admin_state')]);
    const state = (bits & MAINT_BITS) !== 0 ? 'maint' : (bits & DRAIN_BITS) !== 0 ? 'drain' : 'ready';
    states.set(cells[names.indexOf('srv_name')] ?? '', state);
  }
  return states;
}

/** Whether requests are sent to it. */
export function takesRequests({ status }: HaproxyServer): boolean {
  return status.startsWith('UP') || status === 'no check';
}

/** Whether it is certain that it works; `UP 1/2` only hopes so. */
export function isConfirmed({ status, check }: HaproxyServer): boolean {
  return status === 'no check' || (status === 'UP' && /^L[467]OK/.test(check));
}
