/** The load generator as its owner sees it: a fleet of hosts in another process. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { WireHost, WireServer } from './wire.ts';

export type GeneratorOrder =
  | { readonly kind: 'start'; readonly server: WireServer; readonly hosts: readonly WireHost[] }
  | { readonly kind: 'tell-timings' };

/** Milliseconds. */
export interface Timings {
  /** From a report's answer to the next command in that host's hands. */
  readonly dispatch: readonly number[];
  /** From a report to its answer. */
  readonly report: readonly number[];
}

export type GeneratorMessage = { readonly kind: 'ready' } | ({ readonly kind: 'timings' } & Timings);

export interface Fleet extends AsyncDisposable {
  /** Measurements since the start, or since the last question. */
  timings(): Promise<Timings>;
}

const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url));

/** Starts hosts that poll. Resolves when each of them has been answered once and waits for a command. */
export async function startFleet(server: WireServer, hosts: readonly WireHost[]): Promise<Fleet> {
  const child = fork(GENERATOR, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exited = once(child, 'exit');
  const failed = exited.then(([status]) => {
    throw new Error(`the load generator has ended with ${status}`);
  });
  failed.catch(() => undefined);
  const ask = async (order: GeneratorOrder): Promise<GeneratorMessage> => {
    const answer = once(child, 'message');
    child.send(order);
    const [message] = await Promise.race([answer, failed]);
    return message as GeneratorMessage;
  };
  await ask({ kind: 'start', server, hosts });
  return {
    async timings() {
      const message = await ask({ kind: 'tell-timings' });
      if (message.kind !== 'timings') throw new Error(`the load generator answers '${message.kind}'`);
      return message;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null) child.kill('SIGKILL');
      await exited;
    },
  };
}
