/** How many hosts of a deployment must stay healthy, and what follows from it. Pure. */
import type { TargetStatus } from '../../store/schema.ts';

export interface MinimumHealthyHosts {
  readonly type: 'HOST_COUNT' | 'FLEET_PERCENT' | 'MOST_CONCURRENCY';
  readonly value: number;
}

/** The predefined configuration that would never start on a single host if the formula were taken by its letter. */
export const HALF_AT_A_TIME = 'CodeDeployDefault.HalfAtATime';

/**
 * The least number of healthy hosts among `hosts`.
 *
 * OneAtATime (MOST_CONCURRENCY 1) means all but one. HalfAtATime never asks for so many that none could be deployed to: with one
 * host it allows that one, which is what its users expect. Custom configurations are taken by the letter.
 *
 * @see the AWS CodeDeploy user guide, "Minimum healthy hosts": percentages are converted once, rounded up
 */
export function requiredHealthyHosts(hosts: number, minimum: MinimumHealthyHosts, configName: string): number {
  if (configName === HALF_AT_A_TIME) return hosts - Math.max(1, Math.floor(hosts / 2));
  switch (minimum.type) {
    case 'HOST_COUNT':
      return minimum.value;
    case 'FLEET_PERCENT':
      return Math.ceil((hosts * minimum.value) / 100);
    case 'MOST_CONCURRENCY':
      return Math.max(0, hosts - minimum.value);
  }
}

export interface TargetCounts {
  readonly pending: number;
  readonly inProgress: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NO_TARGETS: TargetCounts = { pending: 0, inProgress: 0, succeeded: 0, failed: 0, skipped: 0 };

export function countStatuses(statuses: readonly TargetStatus[]): TargetCounts {
  const of = (status: TargetStatus) => statuses.filter((one) => one === status).length;
  return {
    pending: of('Pending'),
    inProgress: of('InProgress'),
    succeeded: of('Succeeded'),
    failed: of('Failed'),
    skipped: of('Skipped'),
  };
}

export function addCounts(a: TargetCounts, b: TargetCounts): TargetCounts {
  return {
    pending: a.pending + b.pending,
    inProgress: a.inProgress + b.inProgress,
    succeeded: a.succeeded + b.succeeded,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Number of hosts that may be out of service at once, failed ones included: the budget of a deployment. */
export function budget(hosts: number, required: number): number {
  return hosts - required;
}

/** How many more targets may be started now. */
export function mayStart(counts: TargetCounts, allowed: number): number {
  return Math.max(0, Math.min(counts.pending, allowed - counts.inProgress - counts.failed));
}

/** Whether the minimum cannot be kept any more while there are still targets to come. */
export function isLost(counts: TargetCounts, allowed: number): boolean {
  return counts.pending > 0 && counts.failed >= allowed;
}

/** Whether a deployment whose targets are all over has succeeded; at least one target always must. */
export function hasSucceeded(counts: TargetCounts, required: number): boolean {
  return counts.succeeded >= Math.max(required, 1);
}

/** State of a host before a deployment. */
export interface HostStanding {
  readonly instanceId: string;
  /** Whether the last deployment to it succeeded. One that was never deployed to is not. */
  readonly isHealthy: boolean;
  /** Revision on the host: the group's last successful one, an older one, or an unknown one. */
  readonly revision: 'current' | 'old' | 'unknown';
  /** Random number, for the order within a class. */
  readonly lot: number;
}

/**
 * The order of attempt: what is broken first, since it cannot get worse; then what is unknown, old, and last what is current.
 * So when a healthy host is taken down, every other one is healthy, or failed, or under way and counted as such.
 */
export function orderOfAttempt(hosts: readonly HostStanding[]): readonly string[] {
  const rank = (host: HostStanding) => (host.isHealthy ? { unknown: 1, old: 2, current: 3 }[host.revision] : 0);
  return [...hosts].sort((a, b) => rank(a) - rank(b) || a.lot - b.lot).map(({ instanceId }) => instanceId);
}
