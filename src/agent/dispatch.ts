/**
 * Which commands are under way: those whose specification is being read, those that wait for a place, and those that run
 * (`places.ts`). None is taken twice.
 */
import type { Logger } from '../logging/logger.ts';
import type { HostCommand } from '../protocol/host-command/shapes.ts';
import type { Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';
import type { Place, PlaceOwner, Places } from './places.ts';

/** Commands of which it is not known yet whose they are. */
const MAX_OPENING = 16;
/** Commands that stay with the control endpoint, and whose they are: they are asked about no more until there is a place. */
const MAX_REMEMBERED = 256;

export type Acceptance = 'accepted' | 'duplicate' | 'no-slot';

/** Waits for the command's place. @returns null: there is none; it stays with the control endpoint, not acknowledged */
export type EnterPlace = (owner: PlaceOwner) => Promise<Place | null>;

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
  readonly ledger: Pick<Ledger, 'find' | 'hasRoomFor'>;
  readonly outbox: Pick<Outbox, 'send'>;
  readonly places: Pick<Places, 'enter' | 'mayEnter' | 'hasFree' | 'freed'>;
  readonly log: Logger;
  /** Told when a command comes again that has ended. */
  onRepeated?(): void;
  /** Must not throw. */
  process(command: HostCommand, enter: EnterPlace): Promise<void>;
}

export function createDispatcher(ctx: DispatchContext): Dispatcher {
  const underWay = new Map<string, Promise<void>>();
  const opening = new Set<string>();
  const left = new Map<string, PlaceOwner>();
  let accepted = 0;
  let changed = Promise.withResolvers<void>();
  const opened = (id: string) => {
    if (!opening.delete(id)) return;
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const enterFor =
    (id: string, order: number): EnterPlace =>
    async (owner) => {
      opened(id);
      const place = await ctx.places.enter(owner, order);
      if (place === null) remember(left, id, owner);
      return place;
    };
  const start = (id: string, command: HostCommand) => {
    accepted += 1;
    opening.add(id);
    left.delete(id);
    const processed = ctx.process(command, enterFor(id, accepted)).finally(() => {
      underWay.delete(id);
      opened(id);
    });
    underWay.set(id, processed);
  };
  const hasSlot = () => opening.size < MAX_OPENING && ctx.places.hasFree;
  return {
    accept(command) {
      const id = command.HostCommandIdentifier;
      if (underWay.has(id)) return 'duplicate';
      const before = ctx.ledger.find(id);
      if (before !== null && before.state !== 'running') {
        ctx.log.info('a command was delivered again after it had ended; its outcome is sent again', {
          hostCommandIdentifier: id,
        });
        ctx.onRepeated?.();
        ctx.outbox.send(id);
        return 'duplicate';
      }
      if (!ctx.ledger.hasRoomFor(underWay.size + 1)) {
        ctx.log.debug('a command stays with the control endpoint: as many are noted down as may be', {
          hostCommandIdentifier: id,
        });
        return 'no-slot';
      }
      const owner = left.get(id);
      if (!hasSlot() || (owner !== undefined && !ctx.places.mayEnter(owner))) return 'no-slot';
      start(id, command);
      return 'accepted';
    },
    get hasSlot() {
      return hasSlot();
    },
    get isBusy() {
      return underWay.size > 0;
    },
    async slotFreed() {
      if (!hasSlot()) await Promise.race([changed.promise, ctx.places.freed()]);
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay.values());
    },
  };
}

function remember(left: Map<string, PlaceOwner>, id: string, owner: PlaceOwner): void {
  left.set(id, owner);
  const [oldest] = left.keys();
  if (left.size > MAX_REMEMBERED && oldest !== undefined) left.delete(oldest);
}
