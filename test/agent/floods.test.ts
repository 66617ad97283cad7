import { type Arbitrary, asyncProperty, boolean, assert as check, constantFrom, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SlipwayError } from '../../src/errors.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import type { HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { type SimulatedAgent, type SimulatedOperation, simulatedAgent } from '../support/simulated-agent.ts';

const BEHAVIOURS = ['ok', '400', '404', '429', '500', 'hang', 'garbage', 'redirect', 'cut'] as const;
type Behaviour = (typeof BEHAVIOURS)[number];
type Behaviours = Readonly<Record<SimulatedOperation, Behaviour>>;
const HEALTHY: Behaviours = { poll: 'ok', specification: 'ok', acknowledge: 'ok', complete: 'ok' };
const READ_TIMEOUT_MS = 80_000;
const MINUTE_MS = 60_000;

/** As docs/architecture.md states them. */
const MOST_WITH_NOTHING_DONE = 24;
const MOST_WITH_SIXTEEN_DONE = 72;
const MOST_A_SECOND_LATER = 0.25;
/** The longest back-off, after the longest call that is under way. */
const RECOVERED_WITHIN_MS = READ_TIMEOUT_MS + 90_000;

const refusal = (type: string, status: number, retryAfterMs: number | null = null) =>
  new RemoteApiError({ type, message: 'no', status, retryAfterMs });

/** @throws what the client makes of such an answer */
async function behave(behaviour: Behaviour, { clock }: SimulatedAgent): Promise<void> {
  switch (behaviour) {
    case 'ok':
      return;
    case '400':
      throw refusal('ClientException', 400);
    case '404':
      throw refusal('HTTP 404', 404);
    case '429':
      throw refusal('HTTP 429', 429, 5_000);
    case '500':
      throw refusal('InternalFailure', 500);
    case 'redirect':
      throw refusal('HTTP 302', 302);
    case 'garbage':
      throw new SlipwayError('SERVER_ANSWER_INVALID', 'it is not JSON');
    case 'cut':
      throw new SlipwayError('SERVER_UNREACHABLE', 'the connection broke');
    case 'hang':
      await clock.sleep(READ_TIMEOUT_MS);
      throw new SlipwayError('SERVER_UNREACHABLE', 'no answer within 80 seconds');
  }
}

const commandOf = (n: number): HostCommand => ({
  HostCommandIdentifier: `c-${n}`,
  HostIdentifier: 'arn:h',
  DeploymentExecutionId: `a/d-${n}/c/d`,
  CommandName: 'AfterInstall',
});

/** Each poll brings another command; all is answered as `now` says. */
function flooded(
  now: { behaviours: Behaviours },
  host: { readonly latencyMs: number; readonly runMs: number },
  isOneExecution: boolean,
) {
  const agent: SimulatedAgent = simulatedAgent(
    {
      async poll(n) {
        await behave(now.behaviours.poll, agent);
        // A healthy one has a command now and then.
        if (now.behaviours === HEALTHY && n % 5 > 0) return null;
        return isOneExecution ? { ...commandOf(n), DeploymentExecutionId: 'a/d-1/c/d' } : commandOf(n);
      },
      specification: () => behave(now.behaviours.specification, agent),
      async acknowledge() {
        await behave(now.behaviours.acknowledge, agent);
        return null;
      },
      complete: () => behave(now.behaviours.complete, agent),
    },
    host,
  );
  return agent;
}

const behaviour: Arbitrary<Behaviour> = constantFrom(...BEHAVIOURS);
const endpoints = record({
  behaviours: record({
    // A poll that brings nothing ends the flood: those that bring commands are tried more often.
    poll: constantFrom<Behaviour>('ok', 'ok', 'ok', ...BEHAVIOURS),
    ...{ specification: behaviour, acknowledge: behaviour, complete: behaviour },
  }),
  isOneExecution: boolean(),
  host: record({ latencyMs: constantFrom(1, 20, 200), runMs: constantFrom(0, 1_000) }),
}).filter(({ behaviours }) => Object.values(behaviours).some((one) => one !== 'ok'));

describe('a control endpoint that hands out a command with each poll, whatever it answers to each operation,', () => {
  test('is asked a few times in the first ten seconds, seldom later, and used again soon after it is healthy', async () => {
    await check(
      asyncProperty(endpoints, async ({ behaviours, host, isOneExecution }) => {
        const now: { behaviours: Behaviours } = { behaviours };
        const agent = flooded(now, host, isOneExecution);
        await agent.pass(10_000);
        const isDone = behaviours.specification === 'ok' && behaviours.acknowledge === 'ok';
        // Commands for which there is no place: behind them there may be others.
        const isLeft = behaviours.specification === 'ok' && isOneExecution;
        expect(agent.count()).toBeLessThanOrEqual(isDone || isLeft ? MOST_WITH_SIXTEEN_DONE : MOST_WITH_NOTHING_DONE);
        await agent.pass(5 * MINUTE_MS);
        const [before, from] = [agent.count(), agent.elapsedMs()];
        await agent.pass(5 * MINUTE_MS);
        const seconds = (agent.elapsedMs() - from) / 1000;
        expect((agent.count() - before) / seconds).toBeLessThanOrEqual(MOST_A_SECOND_LATER);

        now.behaviours = HEALTHY;
        const [ranBefore, healthyFrom] = [agent.ran.length, agent.elapsedMs()];
        while (agent.ran.length === ranBefore && agent.elapsedMs() - healthyFrom < RECOVERED_WITHIN_MS)
          await agent.pass(1_000);
        expect(agent.ran.length).toBeGreaterThan(ranBefore);
        await agent.stop();
      }),
      { numRuns: 50 },
    );
  });
});

/** A command every five seconds, each of another group. */
function honest(broken: { readonly operation: SimulatedOperation; readonly behaviour: Behaviour }) {
  const agent: SimulatedAgent = simulatedAgent({
    poll: () => {
      const due = Math.floor(agent.elapsedMs() / 5_000) + 1;
      if (handed >= due) return null;
      handed += 1;
      return commandOf(handed);
    },
    specification: (id) => maybe('specification', id === commandOf(1).DeploymentExecutionId),
    async acknowledge(id) {
      await maybe('acknowledge', id === 'c-1');
      return null;
    },
    complete: (id) => maybe('complete', id === 'c-1'),
  });
  let handed = 0;
  const maybe = async (operation: SimulatedOperation, isBroken: boolean) => {
    if (isBroken && operation === broken.operation) await behave(broken.behaviour, agent);
  };
  return agent;
}

const ONE_BROKEN = (['specification', 'acknowledge', 'complete'] as const).flatMap((operation) =>
  // A throttle is of the whole service, and slows everything on purpose.
  BEHAVIOURS.filter((one) => one !== 'ok' && one !== '429').map((one) => ({ operation, behaviour: one })),
);

test.each(ONE_BROKEN)(
  'one command whose $operation is answered with $behaviour slows no other group’s',
  async (broken) => {
    const agent = honest(broken);
    await agent.pass(2 * MINUTE_MS);
    const begun = new Map(agent.ran.map(({ id, atMs }) => [id, atMs]));
    for (let n = 2; n <= 24; n += 1) {
      const delayMs = (begun.get(`c-${n}`) ?? Number.NaN) - (n - 1) * 5_000;
      expect(delayMs, `c-${n}`).toBeLessThanOrEqual(1_200);
    }
    await agent.stop();
  },
);
