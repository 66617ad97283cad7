import { describe, expect, test } from 'vitest';
import { createRetryGate, type Question } from '../../src/agent/retry-gate.ts';
import { SlipwayError } from '../../src/errors.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import { manualClock, passTime } from '../support/clock.ts';

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A gate whose reports are answered as a test says. */
function gated() {
  const clock = manualClock();
  const startMs = clock.now();
  const gate = createRetryGate(clock, { fraction: () => 0 });
  const asked: { readonly about: string; readonly atMs: number }[] = [];
  const world = { answer: async (_about: string): Promise<string> => 'answer' };
  const ask = (about: string, changes: Partial<Question<string>> = {}) =>
    gate.ask({
      ...{ operation: 'report', about, tries: Number.POSITIVE_INFINITY, isFinal: () => false },
      ask() {
        asked.push({ about, atMs: clock.now() - startMs });
        return world.answer(about);
      },
      ...changes,
    });
  const pass = (ms: number) => passTime(clock, ms, settled);
  return { clock, gate, asked, world, ask, pass };
}

const broken = async () => {
  throw new RemoteApiError({ type: 'InternalFailure', message: 'no', status: 500 });
};

describe('a question to the control endpoint', () => {
  test('a question that fails alone is asked again after 1, 2, 4, … and at last every 60 seconds, and others are asked at once', async () => {
    const { asked, world, ask, pass } = gated();
    world.answer = async (about) => (about === 'broken' ? broken() : 'answer');
    void ask('broken').catch(() => undefined);
    await pass(200_000);
    expect(asked.map(({ atMs }) => atMs / 1000)).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
    expect(await ask('other')).toBe('answer');
  });

  test('is asked no more often than it may be, and then fails with the last error', async () => {
    const { asked, world, ask, pass } = gated();
    world.answer = broken;
    const failing = expect(ask('one', { tries: 3 })).rejects.toThrow('no');
    await pass(10_000);
    await failing;
    expect(asked).toHaveLength(3);
  });

  test.each([
    ['nobody answers', new SlipwayError('SERVER_UNREACHABLE', 'away')],
    ['a proxy answers 502', new RemoteApiError({ type: 'HTTP 502', message: 'away', status: 502 })],
    ['the service answers 503', new RemoteApiError({ type: 'ServiceUnavailable', message: 'away', status: 503 })],
    ['a proxy answers 504', new RemoteApiError({ type: 'HTTP 504', message: 'away', status: 504 })],
  ])(
    'gets its answer when %s for twenty seconds, and fails when it is for longer than a minute',
    async (_what, error) => {
      const { asked, world, ask, pass } = gated();
      world.answer = async () => Promise.reject(error);
      const answered = ask('one', { tries: 3, awayMs: 60_000 });
      await pass(20_000);
      world.answer = async () => 'answer';
      await pass(12_000);
      expect(await answered).toBe('answer');
      world.answer = async () => Promise.reject(error);
      const before = asked.length;
      const failing = expect(ask('two', { tries: 3, awayMs: 60_000 })).rejects.toThrow('away');
      await pass(64_000);
      await failing;
      expect(asked.length - before).toBe(7);
    },
  );

  test('is asked no longer for a service that is there and broken', async () => {
    const { asked, world, ask, pass } = gated();
    world.answer = broken;
    const failing = expect(ask('one', { tries: 3, awayMs: 60_000 })).rejects.toThrow('no');
    await pass(64_000);
    await failing;
    expect(asked).toHaveLength(3);
  });

  test('is not asked again after an answer that is final', async () => {
    const { asked, world, ask } = gated();
    world.answer = broken;
    await expect(ask('one', { isFinal: () => true })).rejects.toThrow('no');
    expect(asked).toHaveLength(1);
  });

  test('a question that waits fails at once when it is aborted', async () => {
    const { world, ask, pass } = gated();
    world.answer = broken;
    const stop = new AbortController();
    const waiting = expect(ask('one', { signal: stop.signal })).rejects.toThrow('the agent stops');
    await pass(10);
    stop.abort(new Error('the agent stops'));
    await waiting;
    await expect(ask('two', { signal: stop.signal })).rejects.toThrow('the agent stops');
  });

  test('waits for as long as the service asks, but not longer than five minutes', async () => {
    const { asked, world, ask, pass } = gated();
    const pauses = [20_000, 3_600_000];
    world.answer = async () => {
      throw new RemoteApiError({ type: 'Busy', message: 'no', status: 503, retryAfterMs: pauses.shift() ?? 0 });
    };
    void ask('one').catch(() => undefined);
    await pass(321_000);
    expect(asked.map(({ atMs }) => atMs / 1000)).toEqual([0, 20, 320]);
  });
});

describe('a thousand questions', () => {
  const ids = Array.from({ length: 1000 }, (_, n) => `c-${n}`);

  test('a thousand questions that all fail cost no more requests than a few, and are answered within minutes when the endpoint is healthy', async () => {
    const { asked, world, ask, pass } = gated();
    world.answer = broken;
    const all = Promise.all(ids.map((id) => ask(id)));
    await pass(10_000);
    expect(asked.length).toBeLessThanOrEqual(8);
    await pass(600_000);
    const before = asked.length;
    await pass(600_000);
    expect(asked.length - before).toBeLessThanOrEqual(10);
    world.answer = async () => 'answer';
    await pass(60_000);
    expect(await all).toHaveLength(1000);
  });

  test('a thousand questions of which each second one fails are asked again every two seconds at most', async () => {
    const { asked, world, ask, pass } = gated();
    world.answer = async (about) => (Number(about.slice(2)) % 2 === 0 ? broken() : 'answer');
    for (const id of ids) void ask(id).catch(() => undefined);
    await pass(10_000);
    const before = asked.length;
    await pass(600_000);
    expect(asked.length - before).toBeLessThanOrEqual(300);
  });

  test('are under way two at once at first and sixteen at most', async () => {
    const { world, ask, pass } = gated();
    const open: (() => void)[] = [];
    world.answer = () => new Promise((resolve) => open.push(() => resolve('answer')));
    const all = Promise.all(ids.map((id) => ask(id)));
    await pass(1);
    expect(open).toHaveLength(2);
    for (let most = 2; open.length > 0; ) {
      expect(open.length).toBeLessThanOrEqual(most);
      most = Math.min(most + open.length, 16);
      for (const answer of open.splice(0)) answer();
      await pass(1);
    }
    expect(await all).toHaveLength(1000);
  });
});

describe('polling', () => {
  test('is held back while new questions wait, for half a minute at most, and not by one that has failed', async () => {
    const { clock, gate, world, ask, pass } = gated();
    const never = new AbortController().signal;
    const calm = async () => {
      const fromMs = clock.now();
      let tookMs: number | null = null;
      void gate.calm(never).then(() => (tookMs = clock.now() - fromMs));
      await pass(60_000);
      return tookMs;
    };
    world.answer = async (about) => (about === 'broken' ? broken() : new Promise<string>(() => undefined));
    void ask('broken').catch(() => undefined);
    expect(await calm()).toBe(0);
    for (const id of ['a', 'b', 'c']) void ask(id);
    expect(await calm()).toBe(30_000);
  });
});
