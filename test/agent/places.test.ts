import {
  type Arbitrary,
  array,
  asyncProperty,
  assert as check,
  constantFrom,
  integer,
  oneof,
  record,
} from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDispatcher } from '../../src/agent/dispatch.ts';
import type { CommandRecord } from '../../src/agent/ledger.ts';
import { createPlaces, PLACE_LIMITS, type Place, type PlaceLimits, type PlaceOwner } from '../../src/agent/places.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import type { HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { manualClock } from '../support/clock.ts';

const SMALL: PlaceLimits = {
  ...{ places: 4, placesOfApplication: 3, held: 8, heldOfApplication: 6 },
  ...{ waiting: 8, waitingOfApplication: 6, waitingOfGroup: 2, longMs: 10_000 },
};
const owner = (application: number, group: number): PlaceOwner => ({
  applicationName: `application-${application}`,
  deploymentGroupId: `group-${application}-${group}`,
});
/** Lets everything happen that needs no time. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Held {
  readonly owner: PlaceOwner;
  readonly order: number;
  readonly place: Place;
}

/** Commands that got a place, that waited and that were sent away, in the order in which it happened. */
function hall(limits: PlaceLimits) {
  const clock = manualClock();
  const places = createPlaces(clock, limits);
  const begun: Held[] = [];
  const running = new Set<Held>();
  const away: { readonly owner: PlaceOwner; readonly order: number }[] = [];
  let order = 0;
  return {
    ...{ clock, places, begun, running, away },
    async arrive(who: PlaceOwner, again?: number): Promise<void> {
      order += again === undefined ? 1 : 0;
      const number = again ?? order;
      void places.enter(who, number).then((place) => {
        if (place === null) return void away.push({ owner: who, order: number });
        const held = { owner: who, order: number, place };
        begun.push(held);
        running.add(held);
      });
      await settled();
    },
    async leave(held: Held): Promise<void> {
      running.delete(held);
      held.place.leave();
      await settled();
    },
    async later(ms: number): Promise<void> {
      clock.advance(ms);
      await settled();
    },
  };
}

type Step =
  | { readonly what: 'arrive'; readonly application: number; readonly group: number }
  | { readonly what: 'leave'; readonly which: number }
  | { readonly what: 'later' };

const steps: Arbitrary<Step[]> = array(
  oneof(
    {
      weight: 5,
      arbitrary: record({
        what: constantFrom('arrive' as const),
        application: integer({ min: 0, max: 2 }),
        group: integer({ min: 0, max: 5 }),
      }),
    },
    { weight: 3, arbitrary: record({ what: constantFrom('leave' as const), which: integer({ min: 0, max: 20 }) }) },
    { weight: 1, arbitrary: record({ what: constantFrom('later' as const) }) },
  ),
  { minLength: 1, maxLength: 80 },
);

describe('places for commands, whatever comes, ends and takes long in whatever order,', () => {
  const countBy = (held: Iterable<Held>, key: (who: PlaceOwner) => string) => {
    const counts = new Map<string, number>();
    for (const { owner: who } of held) counts.set(key(who), (counts.get(key(who)) ?? 0) + 1);
    return Math.max(0, ...counts.values());
  };

  test('go to one command of a group at a time and never all to one application, and every command begins, comes again, or is still under way', async () => {
    await check(
      asyncProperty(steps, async (course) => {
        const world = hall(SMALL);
        let arrived = 0;
        for (const step of course) {
          if (step.what === 'arrive') {
            arrived += 1;
            await world.arrive(owner(step.application, step.group));
          } else if (step.what === 'leave') {
            const held = [...world.running][step.which % Math.max(1, world.running.size)];
            if (held !== undefined) await world.leave(held);
          } else await world.later(SMALL.longMs);
          expect(world.running.size).toBeLessThanOrEqual(SMALL.held);
          expect(countBy(world.running, ({ deploymentGroupId }) => deploymentGroupId)).toBeLessThanOrEqual(1);
          expect(countBy(world.running, ({ applicationName }) => applicationName)).toBeLessThanOrEqual(
            SMALL.heldOfApplication,
          );
        }
        // Who was sent away is handed out again, as often as it takes.
        for (let round = 0; world.begun.length < arrived; round += 1) {
          expect(round).toBeLessThan(arrived + 1);
          for (const held of [...world.running]) await world.leave(held);
          for (const one of world.away.splice(0)) await world.arrive(one.owner, one.order);
        }
        expect(new Set(world.begun.map(({ order }) => order)).size).toBe(arrived);
      }),
    );
  });

  test('keep the order of a group’s commands that wait', async () => {
    await check(
      asyncProperty(array(integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 40 }), async (groups) => {
        const world = hall({ ...SMALL, waiting: 100, waitingOfApplication: 100, waitingOfGroup: 100 });
        for (const group of groups) await world.arrive(owner(0, group));
        for (let held = [...world.running][0]; held !== undefined; held = [...world.running][0])
          await world.leave(held);
        for (const group of new Set(groups)) {
          const { deploymentGroupId } = owner(0, group);
          const orders = world.begun.filter((held) => held.owner.deploymentGroupId === deploymentGroupId);
          expect(orders.map(({ order }) => order)).toEqual(orders.map(({ order }) => order).sort((a, b) => a - b));
        }
        expect(world.begun).toHaveLength(groups.length);
      }),
    );
  });

  test('go to a group that has had none before one that has', async () => {
    const world = hall({ ...SMALL, places: 1 });
    for (const group of [0, 0, 1, 2]) await world.arrive(owner(0, group));
    for (let held = [...world.running][0]; held !== undefined; held = [...world.running][0]) await world.leave(held);
    expect(world.begun.map(({ owner: who }) => who.deploymentGroupId)).toEqual(
      [0, 1, 2, 0].map((group) => owner(0, group).deploymentGroupId),
    );
  });

  test('go to a group that waits before groups that come again and again just after they had one', async () => {
    const world = hall({ ...SMALL, places: 1 });
    for (const group of [0, 0, 1, 2]) await world.arrive(owner(0, group));
    const next = async () => {
      const [held] = [...world.running];
      if (held !== undefined) await world.leave(held);
      return held?.owner.deploymentGroupId;
    };
    const served: unknown[] = [await next()];
    for (const group of [3, 1, 2, 3]) {
      served.push(await next());
      await world.arrive(owner(0, group));
    }
    expect(served).toEqual([0, 1, 2, 3, 0].map((group) => owner(0, group).deploymentGroupId));
  });
});

describe('sixteen commands that do not end', () => {
  test('commands of sixteen groups of one application leave places for another application at once, and for a seventeenth group when they take long', async () => {
    const world = hall(PLACE_LIMITS);
    for (let group = 0; group < 16; group += 1) await world.arrive(owner(0, group));
    expect(world.running.size).toBe(12);
    await world.arrive(owner(1, 0));
    expect(world.begun.at(-1)?.owner).toEqual(owner(1, 0));
    await world.arrive(owner(0, 16));
    await world.later(PLACE_LIMITS.longMs);
    expect(world.begun.at(-1)?.owner).toEqual(owner(0, 16));
    expect(world.running.size).toBe(18);
  });

  test('commands of one group have one place, three wait, and the others stay with the control endpoint', async () => {
    const world = hall(PLACE_LIMITS);
    for (let n = 0; n < 16; n += 1) await world.arrive(owner(0, 0));
    expect([world.running.size, world.away.length]).toEqual([1, 12]);
    expect(world.places.mayEnter(owner(0, 0))).toBe(false);
    expect(world.places.mayEnter(owner(0, 1))).toBe(true);
    expect(world.places.hasFree).toBe(true);
  });

  test('commands of any groups, also when they take long, are never more than forty-eight, and one application’s never more than thirty-six', async () => {
    const world = hall(PLACE_LIMITS);
    for (let application = 0; application < 2; application += 1) {
      for (let n = 0; n < 60; n += 1) {
        await world.arrive(owner(application, n));
        await world.later(PLACE_LIMITS.longMs);
      }
      expect(world.running.size).toBe([36, 48][application]);
    }
    expect(world.places.hasFree).toBe(false);
  });
});

test('an agent that stops sends away the commands that wait, and those that run keep their places', async () => {
  const world = hall(SMALL);
  for (let n = 0; n < 3; n += 1) await world.arrive(owner(0, 0));
  world.places.close();
  await world.arrive(owner(1, 0));
  expect([world.running.size, world.away.length]).toEqual([1, 3]);
});

const command = (id: string): HostCommand => ({
  HostCommandIdentifier: id,
  HostIdentifier: 'arn:h',
  DeploymentExecutionId: 'a/b/c/d',
  CommandName: 'Install',
});

/** A dispatcher whose commands end when a test says so. `group` is the first letter of a command's id. */
function dispatching(
  known: readonly Pick<CommandRecord, 'hostCommandIdentifier'>[] = [],
  specifications: Promise<void> = Promise.resolve(),
) {
  const sent: string[] = [];
  const [begun, away] = [new Set<string>(), [] as string[]];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const dispatcher = createDispatcher({
    ledger: {
      hasRoomFor: () => true,
      find: (id) => {
        const one = known.find(({ hostCommandIdentifier }) => hostCommandIdentifier === id);
        return one === undefined
          ? null
          : { ...one, deploymentId: 'd', commandName: 'Install', state: 'finished', outcome: null, changedAtMs: 0 };
      },
    },
    outbox: { send: (id) => void sent.push(id) },
    places: createPlaces(manualClock()),
    log: silentLogger,
    async process({ HostCommandIdentifier: id }, enter) {
      await specifications;
      const place = await enter({ applicationName: 'application', deploymentGroupId: id.slice(0, 1) });
      if (place === null) return void away.push(id);
      begun.add(id);
      ends.set(id, Promise.withResolvers());
      await ends.get(id)?.promise;
      place.leave();
    },
  });
  return { dispatcher, sent, begun, away, end: (id: string) => ends.get(id)?.resolve() };
}

describe('dispatching', () => {
  test('takes no command twice, and answers one that has ended with its outcome', async () => {
    const { dispatcher, sent, end } = dispatching([{ hostCommandIdentifier: 'ended' }]);
    expect(['a1', 'a1', 'ended'].map((id) => dispatcher.accept(command(id)))).toEqual([
      'accepted',
      'duplicate',
      'duplicate',
    ]);
    expect(sent).toEqual(['ended']);
    await settled();
    end('a1');
    await dispatcher.idle();
    expect(dispatcher.isBusy).toBe(false);
  });

  test('reads the specifications of sixteen commands at once and no more', async () => {
    const specifications = Promise.withResolvers<void>();
    const { dispatcher, begun } = dispatching([], specifications.promise);
    const ids = Array.from({ length: 17 }, (_, n) => `${String.fromCharCode(97 + n)}`);
    expect(
      ids.map((id) => dispatcher.accept(command(id))).filter((acceptance) => acceptance === 'accepted'),
    ).toHaveLength(16);
    expect(dispatcher.hasSlot).toBe(false);
    specifications.resolve();
    await dispatcher.slotFreed();
    await settled();
    expect([dispatcher.hasSlot, begun.size]).toEqual([true, 12]);
  });

  test('asks about no command again that may not wait, until its group may', async () => {
    const { dispatcher, begun, away, end } = dispatching();
    for (const id of ['a1', 'a2', 'a3', 'a4', 'a5']) {
      expect(dispatcher.accept(command(id))).toBe('accepted');
      await settled();
    }
    expect([[...begun], away]).toEqual([['a1'], ['a5']]);
    expect(dispatcher.accept(command('a5'))).toBe('no-slot');
    expect(dispatcher.accept(command('b1'))).toBe('accepted');
    end('a1');
    await settled();
    expect(dispatcher.accept(command('a5'))).toBe('accepted');
  });
});
