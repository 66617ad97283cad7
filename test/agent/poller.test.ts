import { describe, expect, test } from 'vitest';
import { createPace } from '../../src/agent/pace.ts';
import { nextPoll, poll } from '../../src/agent/poller.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { type Logger, silentLogger } from '../../src/logging/logger.ts';
import type { HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { manualClock } from '../support/clock.ts';

const command = (id: string): HostCommand => ({
  HostCommandIdentifier: id,
  HostIdentifier: 'arn:h',
  DeploymentExecutionId: 'a/b/c/d',
  CommandName: 'Install',
});

describe('polling', () => {
  test.each([
    ['accepted', 0, false, 'at-once'],
    ['accepted', 0, true, 'after-pause'],
    ['duplicate', 1, false, 'at-once'],
    ['duplicate', 2, false, 'after-pause'],
    ['nothing', 0, false, 'after-pause'],
    ['no-slot', 0, false, 'after-pause'],
  ] as const)('after %s (%d in a row, throttled %s): %s', (acceptance, inARow, throttled, expected) => {
    expect(nextPoll(acceptance, inARow, throttled)).toBe(expected);
  });

  test('says once that the server is down, backs off, and says that it is back', async () => {
    const clock = manualClock();
    const said: string[] = [];
    const log: Logger = {
      ...silentLogger,
      warn: (message) => said.push(`warn ${message}`),
      info: (message) => said.push(`info ${message}`),
    };
    const stop = new AbortController();
    const answers: (() => HostCommand | null)[] = [
      ...Array<() => never>(3).fill(() => {
        throw new Error('away');
      }),
      () => null,
    ];
    const accepted: string[] = [];
    const held: boolean[] = [];
    const running = poll(
      {
        ...{
          clock,
          log,
          hostIdentifier: 'arn:h',
          pace: createPace(clock),
          gate: createRetryGate(clock, { fraction: () => 0 }),
          waitBetweenRunsMs: 1000,
          waitBetweenRunsActiveMs: 1000,
          random: { fraction: () => 0 },
          onAnswered: () => {},
        },
        client: {
          isThrottled: false,
          async pollHostCommand(_signal, mayHold = true) {
            held.push(mayHold);
            const next = answers.shift();
            if (next !== undefined) return next();
            stop.abort();
            return command('last');
          },
        },
        dispatcher: {
          hasSlot: true,
          isBusy: false,
          slotFreed: async () => {},
          accept: (one) => {
            accepted.push(one.HostCommandIdentifier);
            return 'accepted';
          },
        },
      },
      stop.signal,
    );
    for (const wait of [10_000, 13_000, 17_000]) {
      expect(await clock.nextSleep()).toBe(wait);
      clock.advance(wait);
    }
    await running;
    expect(said).toEqual([
      'warn polling failed; the agent goes on trying (slipway doctor looks for the cause)',
      'info polling works again',
    ]);
    expect(accepted).toEqual(['last']);
    // Until one was answered they ask not to be held; the one after that follows at once.
    expect(held).toEqual([false, false, false, false, true]);
  });
});
