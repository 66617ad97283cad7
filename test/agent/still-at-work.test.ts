import { expect, test } from 'vitest';
import type { CommandRecord } from '../../src/agent/ledger.ts';
import { saySoWhileAtWork } from '../../src/agent/still-at-work.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import { manualClock } from '../support/clock.ts';

const RUNNING: CommandRecord = {
  hostCommandIdentifier: 'one',
  deploymentId: 'd-1',
  commandName: 'Install',
  state: 'running',
  outcome: null,
  changedAtMs: 0,
};

test.each([
  ['runs a command and has no poll answered', [RUNNING], null, ['one', 'one']],
  ['runs a command and polls', [RUNNING], 'now', []],
  ['runs nothing', [], null, []],
] as const)('an agent that %s says so as needed, also when it is not taken', async (_, running, answered, said) => {
  const clock = manualClock();
  const updates: string[] = [];
  const stop = new AbortController();
  const saying = saySoWhileAtWork(
    {
      client: {
        async update(id) {
          updates.push(id);
          throw new Error('the service does not know this');
        },
      },
      ledger: { inState: () => running },
      lastAnsweredAtMs: () => (answered === null ? null : clock.now()),
      clock,
      log: silentLogger,
    },
    stop.signal,
  );
  for (const _minute of [1, 2]) {
    await clock.nextSleep();
    clock.advance(60_000);
  }
  await clock.nextSleep();
  stop.abort();
  await saying;
  expect(updates).toEqual(said);
});
