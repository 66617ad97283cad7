import { expect, test } from 'vitest';
import { createTurns, type Urgency } from '../../../src/server/http/turns.ts';

/** Turns of an event loop that turns when it is told to, and what was begun in each. */
function loopByHand() {
  let callbacks: (() => void)[] = [];
  let nowMs = 0;
  const turns = createTurns({ afterTurn: (callback) => void callbacks.push(callback), now: () => nowMs });
  const begun: string[] = [];
  return {
    ask: (urgency: Urgency, times = 1) => {
      for (let time = 0; time < times; time += 1) void turns.take(urgency).then(() => begun.push(urgency));
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
    /** @returns what was begun, with how often */
    async turn() {
      const due = callbacks;
      callbacks = [];
      for (const callback of due) callback();
      await Promise.resolve();
      const counts = Object.groupBy(begun.splice(0), (urgency) => urgency);
      return Object.fromEntries(Object.entries(counts).map(([urgency, list]) => [urgency, list?.length]));
    },
  };
}

test('polls and the questions that a command begins with go before reports, and some requests in each turn of the loop', async () => {
  const loop = loopByHand();
  loop.ask('report', 20);
  loop.ask('specification', 2);
  loop.ask('poll', 10);
  loop.ask('acknowledgement');
  expect(await loop.turn()).toEqual({ acknowledgement: 1, poll: 10, specification: 2, report: 3 });
  loop.ask('poll');
  expect(await loop.turn()).toEqual({ poll: 1, report: 15 });
  expect(await loop.turn()).toEqual({ report: 2 });
  expect(await loop.turn()).toEqual({});
});

test('reports that have waited for ten seconds get half of each turn, however many polls come', async () => {
  const loop = loopByHand();
  loop.ask('report', 12);
  loop.ask('poll', 100);
  expect(await loop.turn()).toEqual({ poll: 16 });
  loop.pass(10_000);
  loop.ask('poll', 100);
  expect(await loop.turn()).toEqual({ poll: 8, report: 8 });
});

test('a request that comes alone is begun in the next turn, whatever it is', async () => {
  const loop = loopByHand();
  for (const urgency of ['acknowledgement', 'poll', 'specification', 'other', 'report'] as const) {
    loop.ask(urgency);
    expect(await loop.turn()).toEqual({ [urgency]: 1 });
    await loop.turn();
  }
});

test('live logs go when nothing else waits, however long they have waited', async () => {
  const loop = loopByHand();
  loop.ask('log', 2);
  loop.ask('report', 16);
  expect(await loop.turn()).toEqual({ report: 16 });
  loop.pass(60_000);
  loop.ask('poll', 16);
  expect(await loop.turn()).toEqual({ poll: 16 });
  expect(await loop.turn()).toEqual({ log: 2 });
});
