import { chmodSync, existsSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Ledger, openLedger } from '../../src/agent/ledger.ts';
import { createOutbox } from '../../src/agent/outbox.ts';
import { recover } from '../../src/agent/recovery.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { silentLogger } from '../../src/logging/logger.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { type ManualClock, manualClock } from '../support/clock.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const DONE: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};

/** An agent's start on what another one left: the ledger is read from disk anew. */
async function startAgain(scratch: ScratchFolder, clock: ManualClock) {
  const ledger = open(scratch, clock);
  const reported: [string, number, string][] = [];
  const killed: (readonly string[])[] = [];
  const outbox = createOutbox({
    client: {
      complete: async (id, { status, diagnostics }) => void reported.push([id, diagnostics.errorCode, status]),
    },
    ledger,
    gate: createRetryGate(clock, { fraction: () => 0 }),
    log: silentLogger,
  });
  const executors = { recover: async (ids: readonly string[]) => void killed.push(ids) };
  const sharedPipeFolders = [scratch.at('shared')];
  await recover({ rootDir: scratch.path, ledger, outbox, executors, log: silentLogger, sharedPipeFolders });
  await outbox.drained();
  return { reported: reported.sort(), killed, ledger };
}

function open(scratch: ScratchFolder, clock: ManualClock): Ledger {
  return openLedger({ rootDir: scratch.path, trackingFolder: 'ongoing-deployment', clock, log: silentLogger });
}

const command = (id: string, deploymentId = 'd-1') => ({
  hostCommandIdentifier: id,
  deploymentId,
  commandName: 'Install',
});

test('every interrupted command is reported once as failed by the restart, two of one deployment included', async () => {
  using scratch = scratchFolder();
  const clock = manualClock();
  const before = open(scratch, clock);
  for (const [id, deployment] of [
    ['one', 'd-1'],
    ['two', 'd-1'],
    ['three', 'd-2'],
  ] as const) {
    before.begin(command(id, deployment));
  }
  const first = await startAgain(scratch, clock);
  expect(first.killed.flat().sort()).toEqual(['one', 'three', 'two']);
  expect(first.reported).toEqual([
    ['one', 7, 'Failed'],
    ['three', 7, 'Failed'],
    ['two', 7, 'Failed'],
  ]);
  expect(existsSync(scratch.at('ongoing-deployment', 'd-1'))).toBe(false);
  const second = await startAgain(scratch, clock);
  expect(second).toMatchObject({ reported: [], killed: [] });
});

test('a command that was interrupted more than a day ago is forgotten', async () => {
  using scratch = scratchFolder();
  const clock = manualClock();
  open(scratch, clock).begin(command('old'));
  clock.advance(24 * 60 * 60_000 + 1);
  const { reported, killed, ledger } = await startAgain(scratch, clock);
  expect({ reported, killed }).toEqual({ reported: [], killed: [] });
  expect(ledger.find('old')).toBeNull();
});

test('outcomes that were not delivered are sent at the next start', async () => {
  using scratch = scratchFolder();
  const clock = manualClock();
  const before = open(scratch, clock);
  before.begin(command('done'));
  before.finish('done', DONE);
  const { reported, killed } = await startAgain(scratch, clock);
  expect(reported).toEqual([['done', 0, 'Succeeded']]);
  expect(killed).toEqual([]);
});

test('a note that was cut off in the middle names no command and goes', async () => {
  using scratch = scratchFolder();
  const clock = manualClock();
  open(scratch, clock).begin(command('one'));
  const halves = ['ongoing-deployment/.d-2.4711.tmp', '.slipway/commands/.0123.json.4711.tmp'];
  for (const half of halves) writeFileSync(scratch.at(half), 'half-an-ident');
  const { reported } = await startAgain(scratch, clock);
  expect(reported).toEqual([['one', 7, 'Failed']]);
  expect(halves.filter((half) => existsSync(scratch.at(half)))).toEqual([]);
});

test('pipes for scripts that a killed agent has left are removed at the start, and nothing else', async () => {
  using scratch = scratchFolder();
  const [own, shared] = [scratch.at('.slipway/pipes'), scratch.at('shared')];
  mkdirSync(own, { recursive: true, mode: 0o700 });
  mkdirSync(shared);
  chmodSync(shared, 0o1777);
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0];
  for (const folder of [own, shared]) {
    mkdirSync(`${folder}/slipway-pipes-${namespace}-4194305-77-aaaaaa`);
    mkdirSync(`${folder}/slipway-pipes-of-somebody`);
  }
  await startAgain(scratch, manualClock());
  for (const folder of [own, shared]) expect(readdirSync(folder)).toEqual(['slipway-pipes-of-somebody']);
});
