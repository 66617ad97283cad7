/** The end of the original hosts, after the traffic has moved and the wait is over: an order for each, all at once. Pure. */
import type { Action, BlueGreenSnapshot, OrderSnapshot } from '../snapshot.ts';
import type { ReplacementPlan } from './blue-green-plan.ts';
import { faultCodeOf } from './copied-group.ts';
import { type FinishAction, failedWith } from './ending.ts';
import type { Target } from './target.ts';

const KINDS = { program: 'TerminateByProgram', ec2: 'TerminateInstance' } as const;
/** Longer than any program may take, and than AWS is asked. Beyond it no server carries such orders out. */
export const TERMINATION_LIMIT_MS = 2 * 60 * 60_000;
/** Failures that are told in full. */
const MAX_TOLD = 3;

/**
 * Hosts that are gone already, or never left their load balancers, are left alone.
 *
 * @returns null: there is nothing to do any more; or when to look again, or how the deployment ends
 */
export function terminateOriginals(
  { orders }: Pick<BlueGreenSnapshot, 'orders'>,
  { terminateBy }: Pick<ReplacementPlan, 'terminateBy'>,
  blue: readonly Target[],
  nowMs: number,
  actions: Action[],
): FinishAction | number | null {
  if (terminateBy !== 'program' && terminateBy !== 'ec2') return null;
  const own = KINDS[terminateBy];
  const known = new Map(orders.filter(({ kind }) => kind === own).map((order) => [order.subjectId, order]));
  const leaving = blue.filter(({ status }) => status === 'Succeeded');
  const missing = leaving.filter(({ instanceId }) => !known.has(instanceId));
  for (const { instanceId } of missing) {
    actions.push({ action: 'give-deployment-order', kind: own, subjectId: instanceId });
  }
  const given = leaving.flatMap(({ instanceId }) => known.get(instanceId) ?? []);
  const limits = given
    .filter(({ outcome }) => outcome === null)
    .map(({ givenAtMs }) => givenAtMs + TERMINATION_LIMIT_MS)
    .concat(missing.length > 0 ? [nowMs + TERMINATION_LIMIT_MS] : []);
  if (limits.length > 0) {
    const limitMs = Math.min(...limits);
    return nowMs < limitMs
      ? limitMs
      : failedWith('TIMEOUT', 'No server has terminated the original instances within two hours.');
  }
  const failed = given.filter(({ outcome }) => outcome === 'Failed');
  const [first] = failed;
  if (first === undefined) return null;
  const code = terminateBy === 'program' ? 'HOOK_EXECUTION_FAILURE' : faultCodeOf(first.message);
  return failedWith(code, toldOf(failed, leaving.length));
}

function toldOf(failed: readonly OrderSnapshot[], all: number): string {
  const told = failed.slice(0, MAX_TOLD).map(({ message }) => message);
  const rest = failed.length > MAX_TOLD ? ` ${failed.length - MAX_TOLD} more failed.` : '';
  return (
    `${failed.length} of ${all} original instances were not terminated. The traffic stays with the replacement instances. ` +
    `${told.join(' ')}${rest}`
  );
}

/** Whether original hosts, or the original tasks, are being ended: then traffic cannot go back to them. */
export function hasBegunTermination(orders: readonly { readonly kind: string }[]): boolean {
  return orders.some(({ kind }) =>
    [...Object.values(KINDS), 'DeleteAutoScalingGroup', 'TerminateTaskSet'].includes(kind),
  );
}
