import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { array, assert as check, constantFrom, integer, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createDispatcher } from '../../src/agent/dispatch.ts';
import { countUndelivered, openLedger } from '../../src/agent/ledger.ts';
import { recordName } from '../../src/agent/ledger-file.ts';
import { createPlaces } from '../../src/agent/places.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { manualClock } from '../support/clock.ts';
import { collectingLogger } from '../support/deployment.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const OUTCOME: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};
const MINUTE_MS = 60_000;
const LIMIT = 12;

function openIn(scratch: ScratchFolder, clock = manualClock()) {
  const log = collectingLogger();
  const ledger = openLedger({ rootDir: scratch.at('root'), trackingFolder: 'ongoing', maxRecords: LIMIT, clock, log });
  return { ledger, log, clock };
}

const filesIn = (scratch: ScratchFolder) => readdirSync(scratch.at('root/.slipway/commands'));

/** Answers of the host when the endpoint hands out these commands again: which it begins, and of which it sends an outcome. */
async function handOut(scratch: ScratchFolder, ids: readonly string[]) {
  const { ledger, log, clock } = openIn(scratch);
  const [begun, sent] = [[] as string[], [] as string[]];
  const dispatcher = createDispatcher({
    ...{ ledger, log, places: createPlaces(clock), outbox: { send: (id: string) => void sent.push(id) } },
    process: async ({ HostCommandIdentifier: id }) => void begun.push(id),
  });
  for (const id of ids) {
    dispatcher.accept({
      ...{ HostCommandIdentifier: id, HostIdentifier: 'arn:h' },
      ...{ DeploymentExecutionId: 'a/d/c/1', CommandName: 'Install' },
    });
  }
  await dispatcher.idle();
  return { begun, sent, ledger };
}

/** A host that has carried out one command and told the endpoint. */
function carriedOut(scratch: ScratchFolder): string {
  const { ledger } = openIn(scratch);
  for (const id of ['ran', 'other']) {
    ledger.begin({ hostCommandIdentifier: id, deploymentId: `d-${id}`, commandName: 'Install' });
    ledger.finish(id, OUTCOME);
    ledger.settle(id);
  }
  return scratch.at('root/.slipway/commands', recordName('ran'));
}

function change(file: string, changes: Readonly<Record<string, unknown>>): void {
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...changes }));
}

const HARM: Readonly<Record<string, (file: string, scratch: ScratchFolder) => void>> = {
  'is empty': (file) => truncateSync(file, 0),
  'is cut off': (file) => truncateSync(file, 50),
  'is full of zeros': (file) => writeFileSync(file, Buffer.alloc(400)),
  'has three gigabytes': (file) => truncateSync(file, 3e9),
  'is a pipe that nobody writes to': (file) => {
    rmSync(file);
    execFileSync('mkfifo', [file]);
  },
  'is a folder with something in it': (file) => {
    rmSync(file);
    mkdirSync(`${file}/in/it`, { recursive: true });
  },
  'is a link to a device without an end': (file) => {
    rmSync(file);
    symlinkSync('/dev/zero', file);
  },
  'is a link to another record': (file, scratch) => {
    rmSync(file);
    symlinkSync(scratch.at('root/.slipway/commands', recordName('other')), file);
  },
  'is another command’s': (file, scratch) =>
    copyFileSync(scratch.at('root/.slipway/commands', recordName('other')), file),
  'is null': (file) => writeFileSync(file, 'null'),
  'is a list': (file) => writeFileSync(file, '[]'),
  'is nested a hundred thousand deep': (file) => writeFileSync(file, '['.repeat(100_000)),
  'has a deployment id that leads out of the folder': (file) => change(file, { deploymentId: '../../../victim' }),
  'has a state of its own': (file) => change(file, { state: 'never' }),
  'is finished without an outcome': (file) => change(file, { state: 'finished', outcome: null }),
  'has an outcome that is none': (file) => change(file, { outcome: { status: 'Succeeded' } }),
  'has a time that is none': (file) => change(file, { changedAtMs: 'now' }),
  'was made older': (file) => change(file, { changedAtMs: 0 }),
  'was made another command’s': (file) => change(file, { hostCommandIdentifier: 'another' }),
};

describe('a command whose record', () => {
  test.each(Object.entries(HARM))('%s is not run again, and the endpoint is told', async (_what, harm) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('victim'), 'stays');
    harm(carriedOut(scratch), scratch);
    countUndelivered(scratch.at('root'));
    // What is known of it outlives the next start, too.
    openIn(scratch);
    const { begun, sent, ledger } = await handOut(scratch, ['ran', 'other', 'new']);
    expect({ begun, sent }).toEqual({ begun: ['new'], sent: ['ran', 'other'] });
    expect(ledger.find('ran')).toMatchObject({ state: 'finished', outcome: { status: 'Failed' } });
    expect(readFileSync(scratch.at('victim'), 'utf8')).toBe('stays');
  });

  test('has any byte changed is not run again', async () => {
    using scratch = scratchFolder();
    const file = carriedOut(scratch);
    const whole = readFileSync(file);
    check(
      property(integer({ min: 0, max: whole.length - 1 }), integer({ min: 1, max: 255 }), (at, by) => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ by;
        writeFileSync(file, bytes);
        const { ledger } = openIn(scratch);
        expect(ledger.find('ran')).not.toBeNull();
        expect(ledger.find('other')?.state).toBe('settled');
      }),
      { numRuns: 40 },
    );
  });
});

test('a command whose outcome came to the disk in part, or not at all, is one that was interrupted', () => {
  using scratch = scratchFolder();
  const { ledger } = openIn(scratch);
  ledger.begin({ hostCommandIdentifier: 'ran', deploymentId: 'd-ran', commandName: 'Install' });
  const file = scratch.at('root/.slipway/commands', recordName('ran'));
  const begun = readFileSync(file);
  ledger.finish('ran', OUTCOME);
  const ended = readFileSync(file);
  expect(ended.subarray(0, begun.length)).toEqual(begun);
  const stateOf = (content: Buffer) => {
    writeFileSync(file, content);
    return openIn(scratch).ledger.find('ran')?.state;
  };
  expect(stateOf(ended)).toBe('finished');
  for (let length = begun.length; length < ended.length - 2; length += 7) {
    const lost = Buffer.alloc(ended.length - length);
    // On some file systems what was not written yet is zeros.
    for (const content of [ended.subarray(0, length), Buffer.concat([ended.subarray(0, length), lost])]) {
      expect(stateOf(content), `the first ${length} of ${content.length} bytes`).toBe('running');
    }
  }
  const next = openIn(scratch).ledger;
  next.finish('ran', { ...OUTCOME, status: 'Failed' });
  expect(openIn(scratch).ledger.find('ran')?.outcome?.status).toBe('Failed');
});

test('a record of a command that has ended is made anew where its file is gone', () => {
  using scratch = scratchFolder();
  const { ledger } = openIn(scratch);
  ledger.begin({ hostCommandIdentifier: 'ran', deploymentId: 'd-ran', commandName: 'Install' });
  rmSync(scratch.at('root/.slipway/commands', recordName('ran')));
  ledger.finish('ran', OUTCOME);
  expect(openIn(scratch).ledger.inState('finished')).toMatchObject([
    { hostCommandIdentifier: 'ran', outcome: OUTCOME },
  ]);
});

test('files that are no records are removed, and of too many records the newest are kept', () => {
  using scratch = scratchFolder();
  const file = carriedOut(scratch);
  writeFileSync(`${file.slice(0, -5)}-copy.json`, 'no record');
  const newest = Date.now() / 1000 + 60;
  for (let n = 0; n < 3 * LIMIT; n += 1) {
    const made = scratch.at('root/.slipway/commands', recordName(`made-${n}`));
    writeFileSync(made, 'no record');
    utimesSync(made, newest + n, newest + n);
  }
  const { ledger } = openIn(scratch);
  expect(filesIn(scratch).length).toBeLessThanOrEqual(LIMIT);
  for (let n = 2 * LIMIT; n < 3 * LIMIT; n += 1) expect(ledger.find(`made-${n}`)?.outcome?.status).toBe('Failed');
  expect(ledger.find('made-0')).toBeNull();
});

test('a tracking file that is huge or names no command stops no start', () => {
  using scratch = scratchFolder();
  openIn(scratch);
  const names = ['huge', 'zeros', 'lines'];
  for (const name of names) writeFileSync(scratch.at('root/ongoing', name), '');
  truncateSync(scratch.at('root/ongoing/huge'), 3e9);
  writeFileSync(scratch.at('root/ongoing/zeros'), Buffer.alloc(40));
  writeFileSync(scratch.at('root/ongoing/lines'), 'one\ntwo');
  const { ledger } = openIn(scratch);
  expect(ledger.inState('running')).toEqual([]);
  expect(readdirSync(scratch.at('root/ongoing'))).toEqual([]);
});

describe('a ledger', () => {
  const steps = array(
    record({
      what: constantFrom(
        'begin' as const,
        'begin' as const,
        'finish' as const,
        'settle' as const,
        'later' as const,
        'restart' as const,
      ),
      which: integer({ min: 0, max: 30 }),
    }),
    { minLength: 20, maxLength: 70 },
  );

  test('never grows past its limit, and never forgets what runs, what is not reported, or what may come again', () => {
    check(
      property(steps, (course) => {
        using scratch = scratchFolder();
        let { ledger, clock } = openIn(scratch);
        const needed = new Map<string, { state: string; atMs: number }>();
        let begun = 0;
        for (const { what, which } of course) {
          const id = `c-${which % Math.max(1, begun)}`;
          const before = ledger.find(id);
          if (what === 'begin' && ledger.hasRoomFor(1)) {
            const next = `c-${begun}`;
            begun += 1;
            ledger.begin({ hostCommandIdentifier: next, deploymentId: 'd-1', commandName: 'Install' });
            needed.set(next, { state: 'running', atMs: clock.now() });
          } else if (what === 'finish' && before?.state === 'running') {
            ledger.finish(id, OUTCOME);
            needed.set(id, { state: 'finished', atMs: clock.now() });
          } else if (what === 'settle' && before?.state === 'finished') {
            ledger.settle(id);
            needed.set(id, { state: 'settled', atMs: clock.now() });
          } else if (what === 'later') clock.advance(which * MINUTE_MS);
          else if (what === 'restart') ({ ledger, clock } = openIn(scratch, clock));
          expect(filesIn(scratch).length).toBeLessThanOrEqual(LIMIT);
          for (const [one, { state, atMs }] of needed) {
            const ageMs = clock.now() - atMs;
            const isNeeded = state === 'settled' ? ageMs <= 35 * MINUTE_MS : ageMs <= 24 * 60 * MINUTE_MS;
            if (isNeeded) expect(ledger.find(one)?.state, `${one} after ${ageMs} ms`).toBe(state);
          }
        }
      }),
      { numRuns: 15 },
    );
  });
});

test.each([
  ['reported', 'settle'],
  ['ended, not reported', 'finish'],
  ['withdrawn', 'withdraw'],
] as const)(
  'a tracking file that a crash left of a command that is %s goes at the next start, and never counts as one that runs',
  (_state, last) => {
    using scratch = scratchFolder();
    const clock = manualClock(Date.now());
    const { ledger } = openIn(scratch, clock);
    ledger.begin({ hostCommandIdentifier: 'c-1', deploymentId: 'd-1', commandName: 'ApplicationStart' });
    if (last === 'withdraw') ledger.withdraw('c-1');
    else ledger.finish('c-1', OUTCOME);
    if (last === 'settle') ledger.settle('c-1');
    writeFileSync(scratch.at('root/ongoing/d-1'), 'c-1');
    const next = openIn(scratch, clock).ledger;
    expect(readdirSync(scratch.at('root/ongoing'))).toEqual([]);
    next.settle('c-1');
    clock.advance(120 * MINUTE_MS);
    next.hasRoomFor(1);
    const later = openIn(scratch, clock).ledger;
    expect([later.inState('running'), later.find('c-1')]).toEqual([[], null]);
  },
);

test('a record that could not be read takes no room after a day', () => {
  using scratch = scratchFolder();
  const clock = manualClock(Date.now());
  openIn(scratch, clock);
  const names = Array.from({ length: LIMIT }, (_, n) => recordName(`lost-${n}`));
  for (const name of names) writeFileSync(scratch.at(`root/.slipway/commands/${name}`), '');
  expect(openIn(scratch, clock).ledger.hasRoomFor(1)).toBe(false);
  clock.advance(25 * 60 * MINUTE_MS);
  expect(openIn(scratch, clock).ledger.hasRoomFor(1)).toBe(true);
  expect(filesIn(scratch)).toEqual([]);
});
