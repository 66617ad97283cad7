/** The simplest load balancer that can fail: it does what a test says next, and remembers what it was asked. */
import {
  type AllowState,
  BalancerFault,
  type BlockState,
  type LoadBalancer,
  wrongConfiguration,
} from '../../src/server/outside/load-balancer.ts';

export type BalancerAnswer = BlockState | AllowState | 'away' | 'wrong';

export interface FailingBalancer extends LoadBalancer {
  /** Answers that come next, in order; the last one again and again. */
  answers: BalancerAnswer[];
  /** `block web-1`, `allow web-1`, and `force web-1` for a block after the time for draining. */
  readonly asked: string[];
}

export function failingBalancer(answers: readonly BalancerAnswer[], drainLimitMs = 300_000): FailingBalancer {
  const asked: string[] = [];
  const balancer: FailingBalancer = {
    answers: [...answers],
    asked,
    drainLimitMs,
    block: async ({ name }, { isDrainOver }) => look<BlockState>(isDrainOver ? 'force' : 'block', name),
    allow: async ({ name }) => look<AllowState>('allow', name),
  };
  function look<State>(call: string, name: string) {
    asked.push(`${call} ${name}`);
    const next = balancer.answers.length > 1 ? balancer.answers.shift() : balancer.answers[0];
    if (next === 'away') throw new BalancerFault({ call: `${call} ${name}`, answer: 'connection refused' });
    if (next === 'wrong') throw wrongConfiguration(`${call} ${name}`, 'no such server', 'ELB_INVALID_INSTANCE');
    return { state: next as State, call: `${call} ${name}`, answer: String(next) };
  }
  return balancer;
}
