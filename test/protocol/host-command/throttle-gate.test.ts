import { describe, expect, test } from 'vitest';
import { RemoteApiError } from '../../../src/protocol/errors.ts';
import { createThrottleGate } from '../../../src/protocol/host-command/throttle-gate.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';

const throttle = () => new RemoteApiError({ type: 'ThrottlingException', message: 'Rate exceeded', status: 400 });

/** A service that says «throttled» this many times and then answers. */
function service(throttles: number) {
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    async call() {
      calls += 1;
      if (calls <= throttles) throw throttle();
      return 'answer';
    },
  };
}

function gateOf(clock: ManualClock, fraction = 0) {
  return createThrottleGate(clock, { fraction: () => fraction });
}

/** Lets the next sleeper have its time; returns how long it slept. */
async function passNextSleep(clock: ManualClock): Promise<number> {
  const ms = await clock.nextSleep();
  clock.advance(ms);
  return ms;
}

test('a throttled call is made again after 1, 2, 4, 8 and 16 seconds, and then given up', async () => {
  const clock = manualClock();
  const { call } = service(Number.POSITIVE_INFINITY);
  const outcome = gateOf(clock)
    .run(call)
    .catch((error: unknown) => error);
  const sleeps: number[] = [];
  for (let retry = 0; retry < 5; retry += 1) sleeps.push(await passNextSleep(clock));
  expect(sleeps).toEqual([1000, 2000, 4000, 8000, 16_000]);
  expect(await outcome).toMatchObject({ isThrottle: true });
});

test('the delay grows to 30 seconds and no further, and one success sets it back to 1 second', async () => {
  const clock = manualClock();
  const gate = gateOf(clock);
  const outcome = gate.run(service(5).call);
  for (let retry = 0; retry < 5; retry += 1) await passNextSleep(clock);
  expect(await outcome).toBe('answer');
  const again = gate.run(service(1).call);
  expect(await passNextSleep(clock)).toBe(1000);
  await again;

  const failing = gate.run(service(9).call).catch(() => 'given up');
  for (let retry = 0; retry < 5; retry += 1) await passNextSleep(clock);
  expect(await failing).toBe('given up');
  const next = gate.run(service(1).call);
  // 30 s (not 32) from the throttle that ended the calls before, and again after the next one.
  expect([await passNextSleep(clock), await passNextSleep(clock)]).toEqual([30_000, 30_000]);
  expect(await next).toBe('answer');
});

test('waiting calls come back up to a quarter of the delay apart', async () => {
  const clock = manualClock();
  const outcome = gateOf(clock, 0.5).run(service(1).call);
  expect(await passNextSleep(clock)).toBe(1125);
  expect(await outcome).toBe('answer');
});

test('other errors pass through at once and leave the gate open', async () => {
  const gate = gateOf(manualClock());
  await expect(gate.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(gate.isClosed).toBe(false);
});

describe('a gate that one call has closed', () => {
  test('holds the others back, and a throttle of a call under way does not lengthen the wait', async () => {
    const clock = manualClock();
    const gate = gateOf(clock);
    const underWay = Promise.withResolvers<never>();
    const answers = [() => underWay.promise, async () => 'late answer'];
    const second = gate.run(async () => answers.shift()?.());
    const first = gate.run(service(1).call);
    expect(await clock.nextSleep()).toBe(1000);
    expect(gate.isClosed).toBe(true);

    clock.advance(400);
    underWay.reject(throttle());
    expect(await clock.nextSleep()).toBe(600);
    const third = service(0);
    const held = gate.run(third.call);
    expect(await clock.nextSleep()).toBe(600);
    expect(third.calls).toBe(0);

    clock.advance(600);
    expect(await Promise.all([first, second, held])).toEqual(['answer', 'late answer', 'answer']);
    expect(gate.isClosed).toBe(false);
  });

  test('and that another has closed again holds back those whose wait was just over', async () => {
    const clock = manualClock();
    const fractions = [0, 1];
    const gate = createThrottleGate(clock, { fraction: () => fractions.shift() ?? 0 });
    const first = gate.run(service(2).call);
    expect(await clock.nextSleep()).toBe(1000);
    const second = service(0);
    const held = gate.run(second.call);
    expect(await clock.nextSleep()).toBe(1250);

    clock.advance(1000);
    expect(await clock.nextSleep()).toBe(2000);
    clock.advance(250);
    expect(await clock.nextSleep()).toBe(1750);
    expect(second.calls).toBe(0);
    clock.advance(1750);
    expect(await Promise.all([first, held])).toEqual(['answer', 'answer']);
  });

  test('opens when the clock is set back, instead of waiting for it to catch up', async () => {
    const clock = manualClock();
    const gate = gateOf(clock);
    const controller = new AbortController();
    const throttled = gate.run(service(1).call, controller.signal).catch(() => 'aborted');
    await clock.nextSleep();
    clock.advance(-3_600_000);
    expect(gate.isClosed).toBe(false);
    controller.abort();
    expect(await throttled).toBe('aborted');
  });

  test('lets go of a waiting call that is aborted, without making it', async () => {
    const clock = manualClock();
    const gate = gateOf(clock);
    const controller = new AbortController();
    const throttled = service(1);
    const outcome = gate.run(throttled.call, controller.signal);
    await clock.nextSleep();
    controller.abort(new Error('the agent stops'));
    await expect(outcome).rejects.toThrow('the agent stops');
    expect(throttled.calls).toBe(1);
  });
});

test('a service that asks for a longer pause gets it, up to five minutes', async () => {
  const clock = manualClock();
  const pauses = [20_000, 3_600_000];
  const throttled = gateOf(clock).run(async () => {
    const retryAfterMs = pauses.shift();
    if (retryAfterMs === undefined) return 'answer';
    throw new RemoteApiError({ type: 'HTTP 429', message: 'not so fast', status: 429, retryAfterMs });
  });
  expect([await passNextSleep(clock), await passNextSleep(clock)]).toEqual([20_000, 300_000]);
  expect(await throttled).toBe('answer');
});

test('one of many throttled calls is made again, and the others when that one was answered', async () => {
  const clock = manualClock();
  const gate = gateOf(clock);
  let isThrottling = true;
  const answer = Promise.withResolvers<string>();
  let calls = 0;
  const call = async () => {
    calls += 1;
    if (isThrottling) throw throttle();
    return await answer.promise;
  };
  const all = Promise.all(Array.from({ length: 10 }, () => gate.run(call)));
  await clock.nextSleep();
  isThrottling = false;
  clock.advance(1_000);
  await new Promise((resolve) => setImmediate(resolve));
  expect(calls).toBe(11);
  answer.resolve('answer');
  expect(await all).toHaveLength(10);
});

test('no throttled call waits longer than a second for one that is held, and they still go one by one', async () => {
  const clock = manualClock();
  const gate = gateOf(clock);
  let isThrottling = true;
  let calls = 0;
  const call = async () => {
    calls += 1;
    if (isThrottling) throw throttle();
    return await new Promise<never>(() => undefined);
  };
  for (let n = 0; n < 4; n += 1) void gate.run(call);
  await clock.nextSleep();
  isThrottling = false;
  const made: number[] = [];
  for (let second = 0; second < 4; second += 1) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
    made.push(calls);
  }
  expect(made).toEqual([5, 6, 7, 8]);
});
