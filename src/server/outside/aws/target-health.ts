/**
 * Judges a host's targets by the answer of a target group. A host may be there with several ports. Pure.
 *
 * @see the API of Elastic Load Balancing v2, `TargetHealth`, for states and reasons
 */
import type { AllowState, BlockState } from '../load-balancer.ts';

export interface TargetState {
  readonly port: number | null;
  /** `healthy`, `initial`, `unhealthy`, `unused`, `draining`, `unhealthy.draining`, `unavailable`. */
  readonly state: string;
  /** As `Target.Timeout`; empty: none is given. */
  readonly reason: string;
  readonly description: string;
}

const DRAINING = ['draining', 'unhealthy.draining'];

function isGone({ state, reason }: TargetState): boolean {
  return state === 'unused' && reason === 'Target.NotRegistered';
}

function isIn(target: TargetState): boolean {
  return !isGone(target) && !DRAINING.includes(target.state);
}

export interface BlockStep {
  readonly state: BlockState;
  /** Ports to deregister now. */
  readonly deregister: readonly (number | null)[];
}

/**
 * @param targets of the host
 * @param wasIn whether this event has deregistered it
 */
export function blockStep(
  targets: readonly TargetState[],
  { wasIn, isDrainOver }: { readonly wasIn: boolean; readonly isDrainOver: boolean },
): BlockStep {
  const deregister = targets.filter(isIn).map(({ port }) => port);
  if (deregister.length > 0) return { state: 'draining', deregister };
  const isDraining = targets.some((target) => !isGone(target));
  if (isDraining && !isDrainOver) return { state: 'draining', deregister };
  return { state: isDraining || wasIn ? 'out' : 'absent', deregister };
}

export interface AllowStep {
  readonly state: AllowState;
  /** Ports to register now; null: the group's own. */
  readonly register: readonly (number | null)[];
  /** Why it can never become healthy; null: it can. */
  readonly never: string | null;
}

/** @param ports with which the host was registered before it was taken out; none: nobody knows, and the group's own port it is */
export function allowStep(targets: readonly TargetState[], ports: readonly (number | null)[]): AllowStep {
  const registered = targets.filter(isIn);
  const wanted = ports.length > 0 ? ports : [null];
  const register = wanted.filter((port) => !registered.some((target) => port === null || target.port === port));
  if (register.length > 0) return { state: 'joining', register, never: null };
  // The group has no listener, or the balancer is not in the host's zone.
  const unused = registered.find(({ reason }) => reason === 'Target.NotInUse');
  if (unused !== undefined) return { state: 'unhealthy', register, never: describeTarget(unused) };
  if (registered.every(isHealthy)) return { state: 'healthy', register, never: null };
  const isUnhealthy = registered.some(({ state }) => state === 'unhealthy' || state === 'unused');
  return { state: isUnhealthy ? 'unhealthy' : 'joining', register, never: null };
}

/** A group without health checks has no other word. */
function isHealthy({ state, reason }: TargetState): boolean {
  return state === 'healthy' || (state === 'unavailable' && reason === 'Target.HealthCheckDisabled');
}

/** `port 80: unhealthy (Target.Timeout: Request timed out)` */
export function describeTarget({ port, state, reason, description }: TargetState): string {
  const why = [reason, description].filter((text) => text !== '').join(': ');
  return `${port === null ? '' : `port ${port}: `}${state}${why === '' ? '' : ` (${why})`}`;
}
