/**
 * A load balancer behind a command of the operator's.
 *
 * The command is run with `block` or `allow` behind its own arguments, and the host in its environment. It tells the balancer the wanted
 * state, looks once, and ends. Its answer is JSON on its standard output, `{"state": "draining"}`. Without any output its exit status
 * counts: 0 for done, and 75 for not yet (EX_TEMPFAIL of sysexits.h). Every other status is a fault, and the call is made again.
 */
import { parseAnswer, unfitAnswer } from './answer.ts';
import { type BalancedHost, BalancerFault, type LoadBalancer, UNKNOWN_REASSERT_MS } from './load-balancer.ts';
import { runProgram } from './run-program.ts';

export interface ScriptSettings {
  readonly command: readonly string[];
  readonly drainLimitMs: number;
}

const NOT_YET = 75;

export function createScript({ command, drainLimitMs }: ScriptSettings): LoadBalancer {
  async function run(action: 'block' | 'allow', host: BalancedHost, isDrainOver: boolean, signal: AbortSignal) {
    const { call, exitCode, stdout, said } = await runProgram([...command, action], signal, {
      SLIPWAY_HOST: host.name,
      SLIPWAY_TAGS: JSON.stringify(Object.fromEntries(host.tags)),
      SLIPWAY_DRAIN_OVER: isDrainOver ? '1' : '0',
    });
    if (exitCode !== 0 && exitCode !== NOT_YET) {
      throw new BalancerFault({ call, answer: `exit ${exitCode}: ${said}` });
    }
    return { call, exitCode, stdout };
  }
  return {
    drainLimitMs,
    reassertMs: UNKNOWN_REASSERT_MS,
    async block(host, { isDrainOver, signal }) {
      const { call, exitCode, stdout } = await run('block', host, isDrainOver, signal);
      if (stdout.trim() === '') return { call, answer: `exit ${exitCode}`, state: exitCode === 0 ? 'out' : 'draining' };
      const answer = parseAnswer('block', stdout);
      if (answer === null) throw new BalancerFault({ call, answer: unfitAnswer('block', stdout) });
      return { call, ...answer };
    },
    async allow(host, { signal }) {
      const { call, exitCode, stdout } = await run('allow', host, false, signal);
      if (stdout.trim() === '')
        return { call, answer: `exit ${exitCode}`, state: exitCode === 0 ? 'healthy' : 'joining' };
      const answer = parseAnswer('allow', stdout);
      if (answer === null) throw new BalancerFault({ call, answer: unfitAnswer('allow', stdout) });
      return { call, ...answer };
    },
  };
}
