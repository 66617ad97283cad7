/** Decisions about some targets that concern no other one. Pure. */
import type { Action, DeploymentSnapshot, OtherTargets } from '../snapshot.ts';
import { Target } from './target.ts';

/** Actions on a target that others may have waited for. */
const CONCERNS_OTHERS: readonly Action['action'][] = ['end-target', 'ready-target'];

/**
 * Makes the next events of these targets ready.
 *
 * @param limitMs how long the deployment may take
 * @returns null: a target has come to its end or to a gate, or may have to end, which concerns the others
 */
export function decideWithinTargets(
  deployment: DeploymentSnapshot,
  others: OtherTargets,
  nowMs: number,
  limitMs: number,
): readonly Action[] | null {
  const actions: Action[] = [];
  const targets = deployment.targets.map((target) => new Target(target, deployment, nowMs, actions));
  for (const target of targets) target.settle();
  const deadlineMs = deployment.createdAtMs + limitMs;
  const isEnding = deployment.stopRequestedAtMs !== null || nowMs >= deadlineMs;
  if (isEnding || actions.some(({ action }) => CONCERNS_OTHERS.includes(action))) return null;
  for (const target of targets) target.goOn();
  const limits = targets.flatMap((target) => target.waitsFor()?.giveUpAtMs ?? []);
  return [...actions, { action: 'wake-at', atMs: Math.min(deadlineMs, others.wakeAtMs, ...limits) }];
}
