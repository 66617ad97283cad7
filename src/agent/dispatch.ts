/**
 * Which commands run now.
 *
 * At most sixteen at once, and one at a time in a deployment group: its cleanup file and pointers are shared. A command whose group is busy
 * waits here, not acknowledged yet, so that the server can still take it back. A command that takes long gives its place to others and goes
 * on: sixteen stores that trickle must not keep a seventeenth group waiting. `MAX_HELD` bounds all of them together.
 */
import type { Logger } from '../logging/logger.ts';
import type { HostCommand } from '../protocol/host-command/shapes.ts';
import type { Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';

/** As many as the official agents run. */
export const MAX_COMMANDS = 16;
/** With those that take long: each may have a process. */
const MAX_HELD = 48;
/** More than most events take. */
const LONG_MS = 10_000;

export type Acceptance = 'accepted' | 'duplicate' | 'no-slot';

export interface Dispatcher {
  accept(command: HostCommand): Acceptance;
  readonly hasSlot: boolean;
  /** Whether a command is under way. */
  readonly isBusy: boolean;
  /** Resolves when there may be a place: a command has ended, or takes long. */
  slotFreed(): Promise<void>;
  /** Resolves when no command is under way. */
  idle(): Promise<void>;
}

export interface DispatchContext {
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly log: Logger;
  /** Told when a command comes again that has ended. */
  onRepeated?(): void;
  /** When a command gives its place to others; milliseconds. */
  readonly longMs?: number;
  /** Must not throw. */
  process(command: HostCommand): Promise<void>;
}

export function createDispatcher(ctx: DispatchContext): Dispatcher {
  const running = new Map<string, Promise<void>>();
  const long = new Set<string>();
  let freed = Promise.withResolvers<void>();
  const tellFreed = () => {
    freed.resolve();
    freed = Promise.withResolvers<void>();
  };
  const hasSlot = () => running.size - long.size < MAX_COMMANDS && running.size < MAX_HELD;
  const start = (id: string, command: HostCommand) => {
    const timer = setTimeout(() => {
      long.add(id);
      tellFreed();
    }, ctx.longMs ?? LONG_MS);
    timer.unref();
    running.set(
      id,
      ctx.process(command).finally(() => {
        clearTimeout(timer);
        running.delete(id);
        long.delete(id);
        tellFreed();
      }),
    );
  };
  return {
    accept(command) {
      const id = command.HostCommandIdentifier;
      if (running.has(id)) return 'duplicate';
      const before = ctx.ledger.find(id);
      if (before !== null && before.state !== 'running') {
        ctx.log.info('a command was delivered again after it had ended; its outcome is sent again', {
          hostCommandIdentifier: id,
        });
        ctx.onRepeated?.();
        ctx.outbox.send(id);
        return 'duplicate';
      }
      if (!hasSlot()) return 'no-slot';
      start(id, command);
      return 'accepted';
    },
    get hasSlot() {
      return hasSlot();
    },
    get isBusy() {
      return running.size > 0;
    },
    slotFreed: () => (hasSlot() ? Promise.resolve() : freed.promise),
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}

/** One at a time for each name; others are not held up. */
export function createTurns(): (name: string, work: () => Promise<void>) => Promise<void> {
  const last = new Map<string, Promise<void>>();
  return async (name, work) => {
    const turn = (last.get(name) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    last.set(name, settled);
    await settled;
    if (last.get(name) === settled) last.delete(name);
    await turn;
  };
}
