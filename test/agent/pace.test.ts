import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { processCommand } from '../../src/agent/command.ts';
import { createDispatcher } from '../../src/agent/dispatch.ts';
import { openLedger } from '../../src/agent/ledger.ts';
import { createOutbox } from '../../src/agent/outbox.ts';
import { createPace, uselessPauseMs } from '../../src/agent/pace.ts';
import { createPlaces } from '../../src/agent/places.ts';
import { poll } from '../../src/agent/poller.ts';
import { SlipwayError } from '../../src/errors.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import type { CommandStatus, HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { manualClock } from '../support/clock.ts';
import { collectingLogger, specificationOf } from '../support/deployment.ts';
import { scratchFolder } from '../support/scratch.ts';

const SECONDS = 30;
const DONE: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};
const commandOf = (n: number, changes: Partial<HostCommand> = {}): HostCommand => ({
  HostCommandIdentifier: `c-${n}`,
  HostIdentifier: 'arn:h',
  DeploymentExecutionId: `a/d-${n}/c/d`,
  CommandName: 'AfterInstall',
  ...changes,
});
const unavailable = () => {
  throw new RemoteApiError({ type: 'InternalFailure', message: 'no', status: 500 });
};
const refused = () => {
  throw new RemoteApiError({ type: 'ClientException', message: 'no', status: 400 });
};

interface Flood {
  readonly poll: (n: number) => HostCommand | null;
  readonly specification?: () => void;
  readonly isGenuine?: boolean;
  readonly isNoop?: boolean;
  readonly acknowledge?: () => CommandStatus | null;
  readonly complete?: () => void;
}

/** Half a minute of an agent whose server answers everything at once. */
async function endure(flood: Flood) {
  using scratch = scratchFolder();
  const clock = manualClock();
  const log = collectingLogger();
  const requests = { poll: 0, specification: 0, acknowledge: 0, complete: 0 };
  const client = {
    isThrottled: false,
    async pollHostCommand() {
      await nextTurn();
      requests.poll += 1;
      return flood.poll(requests.poll);
    },
    async getDeploymentSpecification() {
      requests.specification += 1;
      flood.specification?.();
      return { DeploymentSystem: 'CodeDeploy' };
    },
    async acknowledge() {
      requests.acknowledge += 1;
      return (flood.acknowledge ?? (() => 'InProgress' as const))();
    },
    async complete() {
      requests.complete += 1;
      flood.complete?.();
    },
  };
  const ledger = openLedger({ rootDir: scratch.path, trackingFolder: 'ongoing', clock, log });
  const outbox = createOutbox({ client, ledger, clock, log });
  let ran = 0;
  const executors = {
    prepare() {},
    async openSpecification(_: unknown, { DeploymentExecutionId }: HostCommand) {
      if (flood.isGenuine !== true) throw new SlipwayError('ENVELOPE_MISSING', 'there is none');
      const deploymentId = DeploymentExecutionId.split('/')[1] ?? '';
      return {
        specification: specificationOf('/revision', { deploymentId, deploymentGroupId: deploymentId }),
        order: null,
      };
    },
    isCommandNoop: async () => flood.isNoop ?? false,
    async run() {
      ran += 1;
      return DONE;
    },
    recover: async () => {},
    close: async () => {},
  };
  const pace = createPace(clock);
  const dispatcher = createDispatcher({
    ledger,
    outbox,
    places: createPlaces(clock),
    log,
    onRepeated: pace.useless,
    async process(command, enter) {
      const taken = pace.take();
      taken.ended(
        await processCommand({ client, executors, ledger, outbox, clock, log, enter }, command, taken.proven),
      );
    },
  });
  const stop = new AbortController();
  const [hostIdentifier, wait] = ['arn:h', 1_000];
  const polling = poll(
    {
      ...{
        client,
        dispatcher,
        pace,
        hostIdentifier,
        clock,
        log,
        waitBetweenRunsMs: wait,
        waitBetweenRunsActiveMs: wait,
      },
      random: { fraction: () => 0 },
      onAnswered: () => {},
    },
    stop.signal,
  );
  for (let ms = 0; ms < SECONDS * 1000; ms += 100) {
    for (let turn = 0; turn < 8; turn += 1) await nextTurn();
    clock.advance(100);
  }
  stop.abort();
  clock.advance(60_000);
  await polling;
  outbox.close();
  await dispatcher.idle();
  const all = requests.poll + requests.specification + requests.acknowledge + requests.complete;
  return { requests, all, ran, lines: log.lines.filter(({ level }) => level !== 'debug') };
}

describe('a server that answers each poll at once', () => {
  const withoutMembers = () => {
    throw new SlipwayError('SERVER_ANSWER_INVALID', 'a member is missing');
  };
  test.each<[string, Flood]>([
    ['nothing', { poll: () => null }],
    ['commands of another host', { poll: (n) => commandOf(n, { HostIdentifier: 'arn:other' }) }],
    ['what is no command', { poll: withoutMembers }],
    ['what is no command, and nothing in between', { poll: (n) => (n % 2 === 0 ? null : withoutMembers()) }],
    ['commands whose envelope does not open', { poll: commandOf }],
    ['commands whose envelope does not open, and takes no reports', { poll: commandOf, complete: refused }],
    ['commands that it has no specification for', { poll: commandOf, specification: refused }],
    ['one command that ended, again and again', { poll: () => commandOf(1), isGenuine: true }],
    ['commands that it does not want run', { poll: commandOf, isGenuine: true, acknowledge: () => 'Succeeded' }],
    ['commands that it refuses to have acknowledged', { poll: commandOf, isGenuine: true, acknowledge: refused }],
    [
      'commands of unknown names',
      {
        poll: (n) => commandOf(n, { CommandName: `Own${n}` }),
        isGenuine: true,
        isNoop: true,
        acknowledge: () => 'Failed',
      },
    ],
    [
      'one event of one deployment under new identifiers',
      { poll: (n) => commandOf(n, { DeploymentExecutionId: 'a/d-1/c/d' }), isGenuine: true },
    ],
  ])('with %s gets about one request a second', async (_what, flood) => {
    const { all, ran, lines } = await endure(flood);
    expect(all).toBeLessThanOrEqual(SECONDS + 2);
    expect(ran).toBeLessThanOrEqual(6);
    expect(lines.length).toBeLessThan(SECONDS);
  });

  test('with commands that fail, and takes no report of that, is asked less and less', async () => {
    const { requests, all } = await endure({ poll: commandOf, specification: unavailable, complete: unavailable });
    expect(requests.poll).toBeLessThanOrEqual(7);
    expect(all).toBeLessThanOrEqual(2.5 * SECONDS);
  });

  test('with honest commands is asked again at once, also after events without scripts', async () => {
    const answers = [
      { isNoop: false, status: 'InProgress', reports: 60 },
      { isNoop: true, status: 'Failed', reports: 60 },
      { isNoop: true, status: 'Succeeded', reports: 0 },
    ] as const;
    for (const { isNoop, status, reports } of answers) {
      const burst = (n: number) => (n <= 60 ? commandOf(n) : null);
      const { requests } = await endure({ poll: burst, isGenuine: true, isNoop, acknowledge: () => status });
      expect(requests.acknowledge).toBe(60);
      expect(requests.complete).toBe(reports);
      expect(requests.poll).toBeGreaterThan(80);
    }
  });
});

describe('the pace', () => {
  test('doubles the pause with each useless command, up to half a minute', () => {
    expect([0, 1, 2, 3, 5, 6, 100].map(uselessPauseMs)).toEqual([0, 1_000, 2_000, 4_000, 16_000, 30_000, 30_000]);
  });

  test('ends a pause that is under way when a command was carried out', async () => {
    const clock = manualClock();
    const pace = createPace(clock);
    const taken = pace.take();
    for (let n = 0; n < 10; n += 1) pace.useless();
    const waiting = pace.wait(clock.now(), new AbortController().signal);
    expect(await clock.nextSleep()).toBe(30_000);
    taken.ended('ran');
    await waiting;
  });

  test('waits for a fifth command until one of the others is proven, and no longer than a second', async () => {
    const clock = manualClock();
    const pace = createPace(clock);
    const never = new AbortController().signal;
    const taken = Array.from({ length: 4 }, () => pace.take());
    await pace.wait(clock.now(), never);
    pace.take();
    const first = pace.wait(clock.now(), never);
    expect(await clock.nextSleep()).toBe(1_000);
    taken[0]?.proven();
    await first;
    pace.take();
    const second = pace.wait(clock.now(), never);
    expect(await clock.nextSleep()).toBe(1_000);
    clock.advance(1_000);
    await second;
  });
});
