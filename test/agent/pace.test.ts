import { describe, expect, test } from 'vitest';
import { createPace, leftPauseMs, uselessPauseMs } from '../../src/agent/pace.ts';
import { SlipwayError } from '../../src/errors.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import type { CommandStatus, HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { manualClock } from '../support/clock.ts';
import { simulatedAgent } from '../support/simulated-agent.ts';

const SECONDS = 30;
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
async function endure({ isGenuine = false, isNoop = false, ...endpoint }: Flood) {
  const agent = simulatedAgent(endpoint, { isGenuine, isNoop, latencyMs: 1, runMs: 0 });
  await agent.pass(SECONDS * 1000);
  const { count } = agent;
  const operations = ['poll', 'specification', 'acknowledge', 'complete'] as const;
  const [poll = 0, specification = 0, acknowledge = 0, complete = 0] = operations.map((operation) => count(operation));
  const [all, ran] = [count(), agent.ran.length];
  await agent.stop();
  const requests = { poll, specification, acknowledge, complete };
  return { requests, all, ran, lines: agent.log.lines.filter(({ level }) => level !== 'debug') };
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
  ])('a server that answers each poll at once with %s gets about one request a second', async (_what, flood) => {
    const { all, ran, lines } = await endure(flood);
    expect(all).toBeLessThanOrEqual(SECONDS + 2);
    expect(ran).toBeLessThanOrEqual(8);
    expect(lines.length).toBeLessThan(SECONDS);
  });

  test('a server that answers each poll at once with commands that fail, and takes no report of that, is asked less and less', async () => {
    const { requests, all } = await endure({ poll: commandOf, specification: unavailable, complete: unavailable });
    expect(requests.poll).toBeLessThanOrEqual(10);
    expect(all).toBeLessThanOrEqual(SECONDS);
  });

  test('a server that answers each poll at once with honest commands is asked again at once, also after events without scripts', async () => {
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

  test('waits a second after each of nine commands that found no place, and then longer, up to half a minute', () => {
    expect([0, 1, 9, 10, 11, 100].map(leftPauseMs)).toEqual([0, 1_000, 1_000, 2_000, 4_000, 30_000]);
  });

  test('ends a pause that is under way when the endpoint takes the outcome of a command that was carried out', async () => {
    const clock = manualClock();
    const pace = createPace(clock);
    const taken = pace.take();
    for (let n = 0; n < 10; n += 1) pace.useless();
    const waiting = pace.wait(clock.now(), new AbortController().signal);
    expect(await clock.nextSleep()).toBe(30_000);
    taken.ended('ran');
    expect(await Promise.race([waiting, Promise.resolve('still waiting')])).toBe('still waiting');
    taken.reported('taken');
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
