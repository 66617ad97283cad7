/**
 * Deployments that go from zone to zone: one zone after another, with a wait behind each for its monitoring. Pure.
 *
 * The zone of a host is the value of one of its tags, as it was when the deployment began. Zones are taken in the order of their names, hosts
 * without that tag last. Within a zone the minimum of the zone holds beside the one of the whole deployment.
 *
 * When the wait behind a zone is over follows from the times at which its targets ended, which are in their rows. So it needs no timer, and a
 * restart changes nothing about it.
 */
import type { TargetStatus } from '../../store/schema.ts';
import { budget, countStatuses, isLost, type MinimumHealthyHosts, mayStart, type TargetCounts } from './health.ts';

export interface ZonalSettings {
  /** Name of the tag whose value is a host's zone. */
  readonly tagKey: string;
  readonly minimumPerZone: MinimumHealthyHosts;
  /** Wait behind the first zone, in milliseconds. */
  readonly firstMonitorMs: number;
  /** Wait behind each other zone but the last, in milliseconds. */
  readonly monitorMs: number;
}

/** The zone of hosts that do not have the tag. */
export const NO_ZONE = '';

export interface ZonedTarget {
  readonly zone: string;
  readonly status: TargetStatus;
  /** null: it is not over. */
  readonly endedAtMs: number | null;
}

/** A zone of a deployment, as its targets stand. */
export interface Zone {
  readonly name: string;
  readonly hosts: number;
  /** The least number of its hosts that stay healthy. */
  readonly required: number;
  readonly counts: TargetCounts;
  /** When its last target ended; null: it is not over. */
  readonly endedAtMs: number | null;
}

/** Which zone has its turn, and what may happen in it. */
export interface Turn {
  readonly zone: string;
  /** How many of its targets may be started now. */
  readonly mayStart: number;
  /** When the wait before it ends, if it has not ended yet. */
  readonly opensAtMs: number | null;
}

/** @see the AWS CodeDeploy user guide, "Minimum healthy hosts per Availability Zone": percentages are rounded up */
function requiredInZone(hosts: number, { type, value }: MinimumHealthyHosts): number {
  return type === 'FLEET_PERCENT' ? Math.ceil((hosts * value) / 100) : value;
}

/** Hosts in the order in which a zonal deployment takes them, those of one zone together. */
export function inOrderOfZones<Host>(hosts: readonly Host[], zoneOf: (host: Host) => string): readonly Host[] {
  const byZone = Map.groupBy(hosts, zoneOf);
  const names = [...byZone.keys()].filter((name) => name !== NO_ZONE).sort();
  return [...names, NO_ZONE].flatMap((name) => byZone.get(name) ?? []);
}

/** @param targets in the order of attempt */
export function zonesOf(targets: readonly ZonedTarget[], settings: ZonalSettings): readonly Zone[] {
  return [...Map.groupBy(targets, ({ zone }) => zone)].map(([name, own]) => {
    const counts = countStatuses(own.map(({ status }) => status));
    const isOver = counts.pending === 0 && counts.inProgress === 0;
    return {
      name,
      hosts: own.length,
      required: requiredInZone(own.length, settings.minimumPerZone),
      counts,
      endedAtMs: isOver ? Math.max(...own.map(({ endedAtMs }) => endedAtMs ?? 0)) : null,
    };
  });
}

/** A zone in which no host could ever be deployed to. */
export function impossibleZone(zones: readonly Zone[]): Zone | null {
  return zones.find(({ hosts, required }) => budget(hosts, required) < 1) ?? null;
}

/** A zone whose minimum cannot be kept any more, or was not. */
export function lostZone(zones: readonly Zone[]): Zone | null {
  const isBroken = ({ hosts, required, counts }: Zone) => {
    const allowed = budget(hosts, required);
    // More than that are lost where hosts are deregistered that waited for their turn.
    return isLost(counts, allowed) || counts.failed + counts.skipped > Math.max(allowed, 0);
  };
  return zones.find(isBroken) ?? null;
}

/** @returns null: all zones are over */
export function turnOf(zones: readonly Zone[], settings: ZonalSettings, nowMs: number): Turn | null {
  const at = zones.findIndex(({ endedAtMs }) => endedAtMs === null);
  const zone = zones[at];
  if (zone === undefined) return null;
  const { counts, name } = zone;
  const opensAtMs = Math.max(
    0,
    ...zones
      .slice(0, at)
      .map(({ endedAtMs }, index) => (endedAtMs ?? 0) + (index === 0 ? settings.firstMonitorMs : settings.monitorMs)),
  );
  if (opensAtMs > nowMs) return { zone: name, mayStart: 0, opensAtMs };
  return { zone: name, mayStart: mayStart(counts, budget(zone.hosts, zone.required)), opensAtMs: null };
}
