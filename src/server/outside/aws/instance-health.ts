/**
 * Judges an instance by the answer of a Classic Load Balancer. Pure.
 *
 * An instance that is being deregistered stays `InService` until its requests have ended, and only the description says so.
 */
import type { AllowState, BlockState } from '../load-balancer.ts';

export interface InstanceHealth {
  /** `InService`, `OutOfService`, `Unknown`. */
  readonly state: string;
  readonly reason: string;
  readonly description: string;
}

function isLeaving({ description }: InstanceHealth): boolean {
  return /deregistration (is )?currently in progress/i.test(description);
}

export interface ClassicBlockStep {
  readonly state: BlockState;
  readonly mustDeregister: boolean;
}

/**
 * @param health null: the balancer does not know the instance
 * @param wasIn whether this event has deregistered it
 */
export function classicBlockStep(
  health: InstanceHealth | null,
  { wasIn, isDrainOver }: { readonly wasIn: boolean; readonly isDrainOver: boolean },
): ClassicBlockStep {
  if (health === null) return { state: wasIn ? 'out' : 'absent', mustDeregister: false };
  if (!wasIn && !isLeaving(health)) return { state: 'draining', mustDeregister: true };
  if (health.state !== 'InService' || isDrainOver) return { state: 'out', mustDeregister: false };
  // Told again, in case that somebody has registered it in between.
  return { state: 'draining', mustDeregister: !isLeaving(health) };
}

export interface ClassicAllowStep {
  readonly state: AllowState;
  readonly mustRegister: boolean;
}

export function classicAllowStep(health: InstanceHealth | null): ClassicAllowStep {
  if (health === null || isLeaving(health)) return { state: 'joining', mustRegister: true };
  if (health.state === 'InService') return { state: 'healthy', mustRegister: false };
  // The balancer's own reason is that it has not looked yet; the instance's, that it has.
  const isFound = health.state === 'OutOfService' && health.reason === 'Instance';
  return { state: isFound ? 'unhealthy' : 'joining', mustRegister: false };
}

/** `OutOfService (Instance: Instance has failed at least the UnhealthyThreshold number of health checks consecutively.)` */
export function describeInstance({ state, reason, description }: InstanceHealth): string {
  // For an instance in service both are `N/A`.
  const why = [reason, description].filter((text) => text !== '' && text !== 'N/A').join(': ');
  return `${state}${why === '' ? '' : ` (${why})`}`;
}
