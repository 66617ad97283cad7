import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openLedger } from '../../src/agent/ledger.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { manualClock } from '../support/clock.ts';
import { collectingLogger } from '../support/deployment.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const OUTCOME: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};
const one = { hostCommandIdentifier: 'one', deploymentId: 'd-1', commandName: 'Install' };
const two = { hostCommandIdentifier: 'two', deploymentId: 'd-2', commandName: 'Install' };

const LIMIT = 20;

function openIn(scratch: ScratchFolder, clock = manualClock()) {
  const log = collectingLogger();
  const ledger = openLedger({ rootDir: scratch.at('root'), trackingFolder: 'ongoing', maxRecords: LIMIT, clock, log });
  return { ledger, log, clock };
}

describe('the ledger’s folders', () => {
  test.each<[string, (scratch: ScratchFolder) => void]>([
    ['deleted', (scratch) => rmSync(scratch.at('root/.slipway/commands'), { recursive: true })],
    ['deleted with all that is beside them', (scratch) => rmSync(scratch.at('root'), { recursive: true })],
    [
      'moved away',
      (scratch) => renameSync(scratch.at('root/.slipway'), scratch.at(`away-${readdirSync(scratch.path).length}`)),
    ],
    [
      'deleted and made again by another hand',
      (scratch) => {
        rmSync(scratch.at('root/.slipway'), { recursive: true });
        mkdirSync(scratch.at('root/.slipway/commands'), { recursive: true });
      },
    ],
    [
      'replaced by a file',
      (scratch) => {
        rmSync(scratch.at('root/.slipway'), { recursive: true });
        writeFileSync(scratch.at('root/.slipway'), '');
      },
    ],
    [
      'replaced by links that lead nowhere',
      (scratch) => {
        rmSync(scratch.at('root/.slipway'), { recursive: true });
        symlinkSync('/nonexistent/folder', scratch.at('root/.slipway'));
        rmSync(scratch.at('root/ongoing'), { recursive: true });
        symlinkSync('nowhere', scratch.at('root/ongoing'));
      },
    ],
  ])('the ledger’s folders that are %s are made anew with all records, and one log line says so', (_what, lose) => {
    using scratch = scratchFolder();
    const { ledger, log, clock } = openIn(scratch);
    ledger.begin(one);
    lose(scratch);
    ledger.begin(two);
    expect(readFileSync(scratch.at('root/ongoing/d-1'), 'utf8')).toBe('one');
    lose(scratch);
    ledger.finish('two', OUTCOME);
    expect(existsSync(scratch.at('root/ongoing/d-2'))).toBe(false);
    expect(log.lines).toMatchObject([{ level: 'warn', fields: { commands: 2 } }]);
    const { ledger: next } = openIn(scratch, clock);
    expect(next.inState('running')).toMatchObject([one]);
    expect(next.inState('finished')).toMatchObject([{ ...two, outcome: OUTCOME }]);
  });

  test('the ledger’s folders that cannot be made stop commands from starting, and are filled again as soon as they can be made', () => {
    using scratch = scratchFolder();
    const { ledger, clock } = openIn(scratch);
    ledger.begin(one);
    rmSync(scratch.at('root'), { recursive: true });
    writeFileSync(scratch.at('root'), 'the deployment root is the operator’s, so this file stays');
    expect(() => ledger.begin(two)).toThrow(expect.objectContaining({ code: 'DEPLOYMENT_ROOT_UNUSABLE' }));
    ledger.finish('two', OUTCOME);
    rmSync(scratch.at('root'));
    ledger.settle('two');
    expect(openIn(scratch, clock).ledger.find('one')?.state).toBe('running');
    expect(openIn(scratch, clock).ledger.find('two')?.state).toBe('settled');
  });
});

test('a full ledger forgets what cannot come again, oldest first, and takes no more commands than it can remember', () => {
  using scratch = scratchFolder();
  const { ledger, clock } = openIn(scratch);
  for (let n = 0; n < LIMIT; n += 1) {
    ledger.begin({ ...one, hostCommandIdentifier: `c${n}` });
    if (n > 0) ledger.finish(`c${n}`, OUTCOME);
    if (n > 2) ledger.settle(`c${n}`);
    clock.advance(1);
  }
  const files = () => readdirSync(scratch.at('root/.slipway/commands')).length;
  expect(files()).toBe(LIMIT);
  expect(ledger.hasRoomFor(1)).toBe(false);
  expect(() => ledger.begin({ ...two, hostCommandIdentifier: 'next' })).toThrow(/none of them may be forgotten/);
  expect(ledger.find('c3')?.state).toBe('settled');
  clock.advance(36 * 60_000);
  ledger.begin({ ...two, hostCommandIdentifier: 'next' });
  expect(ledger.find('c3')).toBeNull();
  expect(ledger.find('c4')?.state).toBe('settled');
  for (let n = 4; n < LIMIT; n += 1) ledger.begin({ ...two, hostCommandIdentifier: `next-${n}` });
  expect(ledger.hasRoomFor(1)).toBe(false);
  expect(files()).toBe(LIMIT);
  expect(ledger.inState('settled')).toEqual([]);
  expect(ledger.inState('finished').map(({ hostCommandIdentifier: id }) => id)).toEqual(['c1', 'c2']);
  expect(ledger.find('c0')?.state).toBe('running');
});
