import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createPacedAnswers } from '../../../src/server/commands/paced-answers.ts';
import { manualClock } from '../../support/clock.ts';

const PLACES = 48;
const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `host-${from + index}`);

/** Answers to reports of hosts, and the hosts that were answered. */
function world() {
  const clock = manualClock();
  const answers = createPacedAnswers(clock);
  const answered: string[] = [];
  const report = (hosts: readonly string[]) => {
    for (const host of hosts) void answers.turn(host).then(() => answered.push(host));
  };
  return { clock, answers, answered, report };
}

describe('the answer to a report', () => {
  test('comes at once while few hosts ask for their next commands', async () => {
    const { clock, answered, report } = world();
    report(names(PLACES));
    await nextTurn();
    expect(answered).toEqual(names(PLACES));
    expect(clock.untilNextMs()).toBeNull();
  });

  test('waits until a host that was answered before has its next command, and the first that reported is the next', async () => {
    const { answers, answered, report } = world();
    report(names(PLACES + 3));
    await nextTurn();
    expect(answered).toEqual(names(PLACES));
    answers.polls('host-7');
    answers.served('host-7');
    answers.served('host-7');
    answers.served('a host that was not answered');
    await nextTurn();
    expect(answered).toEqual(names(PLACES + 1));
    for (const host of names(PLACES)) answers.served(host);
    await nextTurn();
    expect(answered).toEqual(names(PLACES + 3));
  });

  test('waits for no host that does not poll, and some seconds at most for one whose poll is not served', async () => {
    const { clock, answers, answered, report } = world();
    report(names(PLACES));
    answers.polls('host-0');
    report(names(PLACES + 1, PLACES));
    clock.advance(await clock.nextSleep());
    await nextTurn();
    expect(answered).toHaveLength(2 * PLACES - 1);
    for (const host of names(PLACES, PLACES)) answers.polls(host);
    let waitedMs = 25;
    while (answered.length < 2 * PLACES + 1) {
      const ms = await clock.nextSleep();
      waitedMs += ms;
      clock.advance(ms);
      await nextTurn();
    }
    expect(waitedMs).toBeGreaterThanOrEqual(5_000);
    expect(waitedMs).toBeLessThan(5_200);
    expect(clock.untilNextMs()).toBeNull();
  });

  test('is for fewer hosts at once while their polls take long to be served, and for more again when they do not', async () => {
    const { clock, answers, answered, report } = world();
    /** Hosts that are answered together, once so many polls have taken so long. */
    const answeredAfter = async (polls: number, tookMs: number) => {
      for (const host of names(polls)) {
        report([host]);
        answers.polls(host);
        clock.advance(tookMs);
        answers.served(host);
      }
      await nextTurn();
      answered.length = 0;
      report(names(100));
      await nextTurn();
      const { length } = answered;
      while (answered.length < 100) {
        for (const host of answered) answers.served(host);
        await nextTurn();
      }
      for (const host of names(100)) answers.served(host);
      return length;
    };
    expect(await answeredAfter(40, 20)).toBe(38);
    expect(await answeredAfter(1_000, 20)).toBe(8);
    expect(await answeredAfter(40, 2)).toBe(18);
    expect(await answeredAfter(1_000, 2)).toBe(PLACES);
  });
});
