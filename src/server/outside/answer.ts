/** Answers that scripts and webhooks may give about a host. Pure. */
import type { AllowState, BlockState } from './load-balancer.ts';

const STATES: Readonly<Record<'block' | 'allow', readonly string[]>> = {
  block: ['draining', 'out', 'absent'] satisfies readonly BlockState[],
  allow: ['joining', 'healthy', 'unhealthy'] satisfies readonly AllowState[],
};
const MAX_MESSAGE = 500;

/** @returns null: the text is no `{"state": …}` with a state that goes with the question */
export function parseAnswer<Action extends 'block' | 'allow'>(
  action: Action,
  text: string,
): { readonly state: Action extends 'block' ? BlockState : AllowState; readonly answer: string } | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { state, message } = (value ?? {}) as { readonly state?: unknown; readonly message?: unknown };
  if (typeof state !== 'string' || !STATES[action].includes(state)) return null;
  const said = typeof message === 'string' && message !== '' ? `${state}: ${message.slice(0, MAX_MESSAGE)}` : state;
  return { state: state as Action extends 'block' ? BlockState : AllowState, answer: said };
}

/** Describes an answer that does not fit, for the diagnostics. */
export function unfitAnswer(action: 'block' | 'allow', text: string): string {
  const wanted = `{"state": ${STATES[action].map((state) => `"${state}"`).join(' | ')}}`;
  return `'${text.trim().slice(0, 200)}' is not ${wanted}`;
}
