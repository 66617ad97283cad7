import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openLedger } from '../../src/agent/ledger.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { manualClock } from '../support/clock.ts';
import { scratchFolder } from '../support/scratch.ts';

const OUTCOME: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};

describe('the ledger', () => {
  const open = (rootDir: string, clock = manualClock()) =>
    openLedger({ rootDir, trackingFolder: 'ongoing-deployment', clock, log: silentLogger });
  const begun = { hostCommandIdentifier: 'id/with:odd*chars', deploymentId: 'd-1', commandName: 'Install' };

  test('knows after a restart what was running, and what is still to be reported', () => {
    using scratch = scratchFolder();
    const before = open(scratch.path);
    before.begin(begun);
    before.begin({ ...begun, hostCommandIdentifier: 'two', deploymentId: 'd-2' });
    before.finish('two', OUTCOME);
    expect(readFileSync(scratch.at('ongoing-deployment', 'd-1'), 'utf8')).toBe(begun.hostCommandIdentifier);
    expect(existsSync(scratch.at('ongoing-deployment', 'd-2'))).toBe(false);
    const after = open(scratch.path);
    expect(after.inState('running')).toMatchObject([begun]);
    expect(after.inState('finished')).toMatchObject([{ hostCommandIdentifier: 'two', outcome: OUTCOME }]);
  });

  test('keeps the tracking file of a deployment until its last command has ended', () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = open(scratch.path, clock);
    const tracked = () => readFileSync(scratch.at('ongoing-deployment', 'd-1'), 'utf8');
    ledger.begin({ ...begun, hostCommandIdentifier: 'one' });
    clock.advance(1);
    ledger.begin({ ...begun, hostCommandIdentifier: 'two' });
    ledger.finish('two', OUTCOME);
    expect(tracked()).toBe('one');
    ledger.begin({ ...begun, hostCommandIdentifier: 'three' });
    ledger.withdraw('three');
    expect(tracked()).toBe('one');
    ledger.finish('one', OUTCOME);
    expect(existsSync(scratch.at('ongoing-deployment', 'd-1'))).toBe(false);
  });

  test('forgets what was reported after an hour, and everything after a day', () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = open(scratch.path, clock);
    ledger.begin(begun);
    ledger.finish(begun.hostCommandIdentifier, OUTCOME);
    ledger.settle(begun.hostCommandIdentifier);
    clock.advance(30 * 60_000);
    expect(open(scratch.path, clock).find(begun.hostCommandIdentifier)?.state).toBe('settled');
    clock.advance(31 * 60_000);
    expect(open(scratch.path, clock).find(begun.hostCommandIdentifier)).toBeNull();
  });

  test('is not stopped by a file that it cannot read, and takes over what another agent was running', () => {
    using scratch = scratchFolder();
    const clock = manualClock(Date.now());
    open(scratch.path, clock);
    writeFileSync(scratch.at('.slipway', 'commands', 'torn.json'), '{"hostComm');
    writeFileSync(scratch.at('ongoing-deployment', 'd-9'), 'foreign-command\n');
    expect(open(scratch.path, clock).inState('running')).toMatchObject([
      { hostCommandIdentifier: 'foreign-command', deploymentId: 'd-9' },
    ]);
  });
});
