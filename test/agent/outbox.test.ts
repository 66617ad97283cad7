import { describe, expect, test } from 'vitest';
import { openLedger } from '../../src/agent/ledger.ts';
import { createOutbox } from '../../src/agent/outbox.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { SlipwayError } from '../../src/errors.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import { manualClock } from '../support/clock.ts';
import { scratchFolder } from '../support/scratch.ts';

const OUTCOME: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};

describe('the outbox', () => {
  test('sends an outcome until it is taken', async () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = openLedger({ rootDir: scratch.path, trackingFolder: 't', clock, log: silentLogger });
    ledger.begin({ hostCommandIdentifier: 'one', deploymentId: 'd-1', commandName: 'Install' });
    ledger.finish('one', OUTCOME);
    let tries = 0;
    const client = {
      async complete() {
        tries += 1;
        if (tries < 3) throw new SlipwayError('SERVER_UNREACHABLE', 'away');
      },
    };
    const outbox = createOutbox({
      client,
      ledger,
      gate: createRetryGate(clock, { fraction: () => 0 }),
      log: silentLogger,
    });
    outbox.send('one');
    outbox.send('one');
    for (const wait of [1000, 2000]) {
      expect(await clock.nextSleep()).toBe(wait);
      expect(ledger.find('one')?.state).toBe('finished');
      clock.advance(wait);
    }
    await outbox.drained();
    expect(tries).toBe(3);
    expect(ledger.find('one')?.state).toBe('settled');
  });

  test('gives up what the service refuses', async () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = openLedger({ rootDir: scratch.path, trackingFolder: 't', clock, log: silentLogger });
    ledger.begin({ hostCommandIdentifier: 'one', deploymentId: 'd-1', commandName: 'Install' });
    ledger.finish('one', OUTCOME);
    const refusal = new RemoteApiError({ type: 'ClientException', message: 'no such command', status: 400 });
    const outbox = createOutbox({
      client: { complete: () => Promise.reject(refusal) },
      ledger,
      gate: createRetryGate(clock, { fraction: () => 0 }),
      log: silentLogger,
    });
    outbox.send('one');
    await outbox.drained();
    expect(ledger.find('one')?.state).toBe('settled');
  });
});
