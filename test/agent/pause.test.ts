import { describe, expect, test } from 'vitest';
import { createPace } from '../../src/agent/pace.ts';
import { poll } from '../../src/agent/poller.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import type { HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { manualClock } from '../support/clock.ts';

const command = (id: string): HostCommand => ({
  HostCommandIdentifier: id,
  HostIdentifier: 'arn:h',
  DeploymentExecutionId: 'a/b/c/d',
  CommandName: 'Install',
});

describe('the pause after a poll that brought nothing', () => {
  test.each([
    ['of another host', { ...command('c-1'), HostIdentifier: 'arn:other' }],
    ['without a name', { ...command('c-1'), CommandName: '' }],
  ])('a command %s is not run and counts as nothing', async (_what, foreign) => {
    const clock = manualClock();
    const stop = new AbortController();
    const accepted: string[] = [];
    const warnings: string[] = [];
    const answers = [null, foreign];
    const running = poll(
      {
        client: { isThrottled: false, pollHostCommand: async () => answers.shift() ?? null },
        dispatcher: {
          accept: ({ HostCommandIdentifier }) => {
            accepted.push(HostCommandIdentifier);
            return 'accepted';
          },
          hasSlot: true,
          isBusy: false,
          slotFreed: async () => {},
        },
        hostIdentifier: 'arn:h',
        pace: createPace(clock),
        gate: createRetryGate(clock, { fraction: () => 0 }),
        waitBetweenRunsMs: 30_000,
        waitBetweenRunsActiveMs: 30_000,
        clock,
        random: { fraction: () => 0 },
        log: { ...silentLogger, warn: (message) => warnings.push(message) },
        onAnswered: () => {},
      },
      stop.signal,
    );
    expect(await clock.nextSleep()).toBe(30_000);
    stop.abort();
    clock.advance(30_000);
    await running;
    expect(accepted).toEqual([]);
    expect(warnings).toEqual(['a poll was answered with a command that is not for this host']);
  });

  test('pauses as long as it is told while commands run', async () => {
    const clock = manualClock();
    const stop = new AbortController();
    let isBusy = true;
    const running = poll(
      {
        client: { isThrottled: false, pollHostCommand: async () => null },
        dispatcher: {
          accept: () => 'accepted',
          hasSlot: true,
          get isBusy() {
            return isBusy;
          },
          slotFreed: async () => {},
        },
        hostIdentifier: 'arn:h',
        pace: createPace(clock),
        gate: createRetryGate(clock, { fraction: () => 0 }),
        waitBetweenRunsMs: 30_000,
        waitBetweenRunsActiveMs: 2_000,
        clock,
        random: { fraction: () => 0 },
        log: silentLogger,
        onAnswered: () => {},
      },
      stop.signal,
    );
    expect(await clock.nextSleep()).toBe(2_000);
    isBusy = false;
    clock.advance(2_000);
    expect(await clock.nextSleep()).toBe(30_000);
    stop.abort();
    await running;
  });
});
