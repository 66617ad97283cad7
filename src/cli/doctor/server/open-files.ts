/** Whether the server may have as many files and connections open as its hosts need. */
import { readdirSync, readFileSync } from 'node:fs';
import { connectionLimits } from '../../../server/connections/limits.ts';
import type { Properties } from '../../service/properties.ts';
import { type Finding, fail, ok, warn } from '../check.ts';

const CHECK = 'open files';
/** A host holds one connection for its poll, and others while it reports and downloads. */
const PER_HOST = 2;
/** People, pipelines and whoever comes back after a restart. */
const OTHERS = 100;
/** Below this a burst of clients finds no place. */
const LITTLE = 4096;
const NEARLY = 0.9;

/** @param pid of the running server; null: none runs, and the unit says what it would get */
export function lookAtOpenFiles(pid: number | null, service: Properties | null, hosts: number): Finding[] {
  const limit = pid === null ? fromUnit(service) : limitOf(pid);
  if (limit === null) return [];
  const remedy =
    service === null
      ? 'Start it with more: `ulimit -n 65536` before it; as a service it has that (`slipway server install`).'
      : 'Set LimitNOFILE=65536 in the unit (`systemctl edit slipway-server`), and restart the server.';
  const places = connectionLimits(limit).connections;
  const needed = hosts * PER_HOST + OTHERS;
  const used = pid === null ? null : usedBy(pid);
  if (used !== null && used > limit * NEARLY) {
    return [fail(CHECK, `${used} of ${limit} are open: new connections find no place`, remedy)];
  }
  const detail = `${limit}, which leave ${places} places for connections`;
  if (places < needed) return [fail(CHECK, `${detail}: ${hosts} hosts and others need ${needed}`, remedy)];
  return [limit < LITTLE ? warn(CHECK, detail, remedy) : ok(CHECK, detail)];
}

function limitOf(pid: number): number | null {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1];
    return soft === undefined ? null : Number(soft);
  } catch {
    return null;
  }
}

function fromUnit(service: Properties | null): number | null {
  const limit = Number(service?.['LimitNOFILE'] ?? '');
  return Number.isSafeInteger(limit) && limit > 0 ? limit : null;
}

function usedBy(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}
