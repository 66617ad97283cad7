import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../src/errors.ts';
import { peakOfTree } from '../support/process-tree.ts';
import { type ControlServer, type Daemon, startControlServer } from '../support/slipway.ts';
import type { Attack, AttackGround, AttackReport } from './attack.ts';

const LIMIT_SECONDS = 60;
/** A server that takes longer than this to answer has been taken out of service. */
const ANSWERS_WITHIN_MS = 5_000;

/** How often it is looked at which processes an agent or server has; one that lives for less than this may be missed. */
const LOOK_EVERY_MS = 250;

/** Most that one agent or server held with all its processes (`peakOfTree`): the largest of those that ran; millions of bytes. */
export interface PeakMemory {
  server: number;
  agent: number;
}

/** Runs attacks one after the other. @param folder an empty one, for everything that is written */
export async function* runAttacks(
  attacks: readonly Attack[],
  folder: string,
  peak: PeakMemory,
): AsyncGenerator<AttackReport> {
  let shared: Promise<ControlServer> | null = null;
  try {
    for (const [index, attack] of attacks.entries()) {
      const own = join(folder, String(index));
      mkdirSync(own);
      const started: AsyncDisposable[] = [];
      const watched: { readonly role: keyof PeakMemory; readonly daemon: Daemon }[] = [];
      const ground: AttackGround = {
        folder: own,
        sharedServer: () => (shared ??= startControlServer(join(folder, 'shared-server'))),
        async ownServer(args = [], env = {}) {
          const server = await startControlServer(join(own, 'server'), undefined, args, env);
          started.push(server);
          watched.push({ role: 'server', daemon: server.daemon });
          return server;
        },
        watch(role, daemon) {
          started.push(daemon);
          watched.push({ role, daemon });
          return daemon;
        },
      };
      const look = () => {
        for (const { role, daemon } of watched) notePeak(peak, role, daemon);
      };
      const looking = setInterval(look, LOOK_EVERY_MS);
      const report = await runAttack(attack, ground);
      clearInterval(looking);
      look();
      for (const one of started.reverse()) await one[Symbol.asyncDispose]();
      yield shared === null ? report : await stillAnswering(report, await shared);
    }
  } finally {
    if (shared !== null) {
      const server: ControlServer = await shared;
      notePeak(peak, 'server', server.daemon);
      await server[Symbol.asyncDispose]();
    }
  }
}

async function runAttack(attack: Attack, ground: AttackGround): Promise<AttackReport> {
  const startedMs = performance.now();
  const report = (ending: AttackReport['ending'], why: string | null): AttackReport => ({
    attack,
    ending,
    why,
    tookMs: Math.round(performance.now() - startedMs),
  });
  if (attack.missing) return report('not run', attack.missing);
  const limitSeconds = attack.limitSeconds ?? LIMIT_SECONDS;
  const { promise: over, resolve } = Promise.withResolvers<'over'>();
  const timer = setTimeout(resolve, limitSeconds * 1000, 'over');
  try {
    const first = await Promise.race([attack.run(ground), over]);
    return first === 'over' ? report('hung', `it had not ended after ${limitSeconds} s`) : report('held', null);
  } catch (error) {
    return report('through', error instanceof Error ? (error.stack ?? error.message) : messageOf(error));
  } finally {
    clearTimeout(timer);
  }
}

/** An attack that takes the shared server out of service has got through, whatever else it found. */
async function stillAnswering(report: AttackReport, server: ControlServer): Promise<AttackReport> {
  try {
    const answer = await fetch(server.url, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
    await answer.text();
    return report;
  } catch (error) {
    return { ...report, ending: 'through', why: `the server does not answer any more: ${messageOf(error)}` };
  }
}

function notePeak(peak: PeakMemory, role: keyof PeakMemory, { pid }: Daemon): void {
  try {
    peak[role] = Math.max(peak[role], peakOfTree(pid) / 1e6);
  } catch {
    // A system without /proc.
  }
}
