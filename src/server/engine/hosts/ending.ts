/** How a deployment ends, and what it says about that. Pure. */
import type { DeploymentStatus } from '../../store/schema.ts';
import { budget, hasSucceeded, isLost, type TargetCounts } from './health.ts';
import { impossibleZone, lostZone, NO_ZONE, type Zone } from './zones.ts';

/** Remedy for a minimum that no deployment can keep. */
const LOWER = 'Choose a configuration with a lower minimum of healthy hosts, or add hosts.';

export interface FinishAction {
  readonly action: 'finish';
  readonly status: Extract<DeploymentStatus, 'Succeeded' | 'Failed' | 'Stopped'>;
  /** A code of the API's ErrorInformation; null for a success. */
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

/** How a deployment ends that has failed. @param errorCode of the API's ErrorInformation */
export function failedWith(errorCode: string, errorMessage: string): FinishAction {
  return { action: 'finish', status: 'Failed', errorCode, errorMessage };
}

export const SUCCEEDED: FinishAction = { action: 'finish', status: 'Succeeded', errorCode: null, errorMessage: null };

/** How a deployment ends that somebody has stopped. */
const STOPPED: FinishAction = {
  action: 'finish',
  status: 'Stopped',
  errorCode: 'MANUAL_STOP',
  errorMessage: 'The deployment was stopped on request.',
};

/** @param alarm why an alarm has stopped the deployment; null: somebody has */
export function stoppedBy(alarm: string | null): FinishAction {
  return alarm === null ? STOPPED : { ...STOPPED, errorCode: 'ALARM_ACTIVE', errorMessage: alarm };
}

/** Why a deployment ends before all targets had their turn. */
export type EarlyEnding = 'stopped' | 'overdue' | 'impossible' | 'lost';

export function endingOf(situation: {
  readonly counts: TargetCounts;
  /** How many may be out of service at once. */
  readonly allowed: number;
  readonly isOverdue: boolean;
  readonly isStopped: boolean;
  /** None: the deployment does not go from zone to zone. */
  readonly zones: readonly Zone[];
}): EarlyEnding | null {
  const { counts, allowed, zones } = situation;
  // A stop that was accepted is kept, however long what runs then takes.
  if (situation.isStopped) return 'stopped';
  if (situation.isOverdue) return 'overdue';
  if ((counts.pending > 0 && allowed < 1) || impossibleZone(zones) !== null) return 'impossible';
  return isLost(counts, allowed) || lostZone(zones) !== null ? 'lost' : null;
}

export interface Outcome {
  readonly ending: EarlyEnding | null;
  readonly required: number;
  readonly hosts: number;
  readonly zones: readonly Zone[];
  /** Why an alarm has stopped it, if one has. */
  readonly alarm: string | null;
}

/** How a deployment ends whose targets are all over. */
export function finish(counts: TargetCounts, { ending, required, hosts, zones, alarm }: Outcome): FinishAction {
  const isComplete = counts.succeeded === hosts;
  const zone = impossibleZone(zones) ?? lostZone(zones);
  const isEnough = hasSucceeded(counts, required) && zone === null;
  // Whoever asked for a stop was told that there will be one, so not even a complete success takes its place. Once the deployment is
  // overdue, the last target may not fail any more: perhaps it only did because of that.
  if (ending !== 'stopped' && (isComplete || (ending === null && isEnough))) {
    return SUCCEEDED;
  }
  switch (ending) {
    case 'stopped':
      return stoppedBy(alarm);
    case 'overdue':
      return failedWith('TIMEOUT', 'The deployment took longer than 12 hours.');
    case 'impossible':
      return failedWith(
        'HEALTH_CONSTRAINTS_INVALID',
        budget(hosts, required) < 1 || zone === null
          ? `The deployment configuration needs ${required} of ${hosts} instances healthy at any time, so no instance can be deployed to. ${LOWER}`
          : `The deployment configuration needs ${zone.required} of ${zone.hosts} instances healthy in ${nameOf(zone)} at any time, ` +
              `so no instance there can be deployed to. ${LOWER}`,
      );
    default:
      if (zone !== null && hasSucceeded(counts, required)) {
        const message =
          `Too many instances failed in ${nameOf(zone)}: ${zone.counts.failed} of ${zone.hosts}. The deployment configuration ` +
          `needs ${zone.required} healthy in each zone.`;
        return failedWith('HEALTH_CONSTRAINTS', message);
      }
      return failedWith(
        'HEALTH_CONSTRAINTS',
        `Too many instances failed: ${counts.failed} of ${hosts}; ${counts.succeeded} succeeded. The deployment configuration ` +
          `needs ${Math.max(required, 1)} healthy.`,
      );
  }
}

function nameOf({ name }: Zone): string {
  return name === NO_ZONE ? 'the zone of those without a zone tag' : `the zone ${name}`;
}
