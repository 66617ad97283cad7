/**
 * Fate of an Auto Scaling group and its copy once the traffic has moved. The copy gets what would have changed its size or brought traffic
 * to its instances before: policies, scheduled actions, load balancers. After the wait the original is deleted, where somebody asks for
 * that. Pure.
 */
import type { Action, BlueGreenSnapshot } from '../snapshot.ts';
import type { ReplacementPlan } from './blue-green-plan.ts';
import { type FinishAction, failedWith } from './ending.ts';

/** Longer than a server tries. Beyond it no server carries such orders out. */
const LIMIT_MS = 2 * 60 * 60_000;

type State = Pick<BlueGreenSnapshot, 'orders'>;
type Plan = Pick<ReplacementPlan, 'copiedGroup' | 'terminateBy'>;

/** @returns null: there is nothing to do any more; or when to look again, or how the deployment ends */
export function completeCopy(
  state: State,
  { copiedGroup }: Plan,
  nowMs: number,
  actions: Action[],
): FinishAction | number | null {
  if (copiedGroup === undefined) return null;
  const order = { kind: 'CompleteAutoScalingGroup', subjectId: copiedGroup.copy } as const;
  return standingOf(state, order, nowMs, actions);
}

/** The same for the end of the original. */
export function deleteOriginalGroup(
  state: State,
  { copiedGroup, terminateBy }: Plan,
  nowMs: number,
  actions: Action[],
): FinishAction | number | null {
  if (copiedGroup === undefined || terminateBy !== 'copy') return null;
  const order = { kind: 'DeleteAutoScalingGroup', subjectId: copiedGroup.original } as const;
  return standingOf(state, order, nowMs, actions);
}

function standingOf(
  { orders }: State,
  wanted: Pick<BlueGreenSnapshot['orders'][number], 'kind' | 'subjectId'>,
  nowMs: number,
  actions: Action[],
): FinishAction | number | null {
  const order = orders.find(({ kind }) => kind === wanted.kind);
  if (order === undefined) actions.push({ action: 'give-deployment-order', ...wanted });
  if (order?.outcome === 'Succeeded') return null;
  if (order?.outcome === 'Failed') {
    return failedWith(faultCodeOf(order.message), `The traffic stays with the replacement instances. ${order.message}`);
  }
  const limitMs = (order?.givenAtMs ?? nowMs) + LIMIT_MS;
  if (nowMs < limitMs) return limitMs;
  return failedWith('TIMEOUT', `No server has carried out ${wanted.kind} ${wanted.subjectId} within two hours.`);
}

/** A message about AWS begins with a code of the API's ErrorInformation. */
export function faultCodeOf(message: string): string {
  return /^([A-Z]+(?:_[A-Z]+)+|THROTTLED): /.exec(message)?.[1] ?? 'AUTO_SCALING_CONFIGURATION';
}
