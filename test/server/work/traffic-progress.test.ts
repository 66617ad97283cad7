import { expect, test } from 'vitest';
import {
  FAILING_LIMIT_MS,
  NO_MEMORY,
  nextLookMs,
  progressOf,
  TRAFFIC_LIMIT_MS,
  type TrafficLook,
  type TrafficMemory,
} from '../../../src/server/work/traffic-progress.ts';

const record = { call: 'set it', answer: 'no' };
const seen = (
  name: string,
  state: 'waiting' | 'draining' | 'out' | 'absent' | 'joining' | 'healthy' | 'unhealthy',
): TrafficLook => ({
  ...{ name, ...record, result: { state } },
});
const faulty = (name: string, isFinal = false): TrafficLook => ({
  ...{ name, ...record, result: { fault: 'ELASTIC_LOAD_BALANCING_INVALID', isFinal } },
});
const at = (ageMs: number) => ({ nowMs: 1_000_000 + ageMs, ageMs, isDrainOver: false });

test('a target is done when all its balancers are, and waits for each that is not', () => {
  expect(progressOf([seen('a', 'out'), seen('b', 'absent')], NO_MEMORY, at(0)).ending).toBe('Succeeded');
  expect(progressOf([seen('a', 'out'), seen('b', 'draining')], NO_MEMORY, at(0))).toMatchObject({
    ...{ ending: 'later', lastCall: 'b: set it', lastAnswer: 'no' },
  });
  expect(progressOf([seen('a', 'healthy'), seen('b', 'unhealthy')], NO_MEMORY, at(0)).ending).toBe('later');
  expect(progressOf([seen('a', 'joining')], NO_MEMORY, at(0)).ending).toBe('later');
});

test('a target without a balancer fails, so that a group which names none does not pass as one that was taken out', () => {
  expect(progressOf([], NO_MEMORY, at(0))).toMatchObject({
    ...{ ending: 'Failed', message: expect.stringMatching(/^MISSING_ELB_INFORMATION: /) },
  });
});

test('a target fails after an hour with the last call and its answer, whether its balancer makes it wait or fails', () => {
  for (const look of [seen('front', 'unhealthy'), faulty('front')]) {
    expect(progressOf([look], NO_MEMORY, at(TRAFFIC_LIMIT_MS - 1)).ending).toBe('later');
    expect(progressOf([look], NO_MEMORY, at(TRAFFIC_LIMIT_MS))).toMatchObject({
      ...{ ending: 'Failed', message: expect.stringContaining('load balancer front was: set it. The answer: no.') },
    });
  }
});

test('the next order that a balancer wants is kept while its calls fail, and forgotten when it says nothing more', () => {
  const looked = progressOf([{ ...seen('a', 'waiting'), memory: [80] }, seen('b', 'out')], NO_MEMORY, at(0));
  expect(looked.memory).toMatchObject({ ofBalancers: { a: [80] } });
  const failed = progressOf([faulty('a'), seen('b', 'out')], looked.memory as TrafficMemory, at(1));
  expect(failed.memory).toMatchObject({ ofBalancers: { a: [80] } });
  const over = progressOf([seen('a', 'absent'), seen('b', 'out')], failed.memory as TrafficMemory, at(2));
  expect(over.memory).toMatchObject({ ofBalancers: {} });
});

test('a balancer that fails is asked again for five minutes, and an answer in between starts them anew', () => {
  let memory: TrafficMemory = NO_MEMORY;
  const fail = (ageMs: number) => {
    const progress = progressOf([seen('a', 'out'), faulty('b')], memory, at(ageMs));
    memory = progress.memory as TrafficMemory;
    return progress.ending;
  };
  for (let ageMs = 0; ageMs < FAILING_LIMIT_MS; ageMs += 15_000) expect(fail(ageMs)).toBe('later');
  memory = progressOf([seen('a', 'joining')], memory, at(FAILING_LIMIT_MS)).memory as TrafficMemory;
  expect(memory.failing).toBeNull();
  expect(fail(FAILING_LIMIT_MS)).toBe('later');
  // A server that was down for ten minutes has not asked in them.
  expect(fail(3 * FAILING_LIMIT_MS)).toBe('later');
  for (const _ of [1, 2]) expect(fail(3 * FAILING_LIMIT_MS)).toBe('later');
  expect(fail(3 * FAILING_LIMIT_MS)).toBe('Failed');
});

test('a host drains from when its balancer sends no new requests to it, whatever it has waited for before', () => {
  let memory: TrafficMemory = NO_MEMORY;
  const look = (one: TrafficLook, ageMs: number) => {
    memory = progressOf([one, seen('b', 'draining')], memory, at(ageMs)).memory as TrafficMemory;
    return memory.drainingSinceMs;
  };
  const b = at(0).nowMs;
  expect(look(seen('a', 'waiting'), 0)).toEqual({ b });
  expect(look(seen('a', 'draining'), 500_000)).toEqual({ a: at(500_000).nowMs, b });
  expect(look(faulty('a'), 510_000)).toEqual({ a: at(500_000).nowMs, b });
  expect(look(seen('a', 'waiting'), 520_000)).toEqual({ b });
});

test('a fault that asking again cannot fix fails the target at once, whatever the other balancers say', () => {
  expect(progressOf([faulty('a'), seen('b', 'draining'), faulty('c', true)], NO_MEMORY, at(0))).toMatchObject({
    ...{ ending: 'Failed', message: expect.stringContaining('load balancer c was') },
  });
});

test('looks become rarer the longer a target waits, and the more calls fail', () => {
  expect([0, 20_000, 60_000, 3_600_000].map((ageMs) => nextLookMs(ageMs, 0))).toEqual([500, 1_000, 3_000, 5_000]);
  expect([1, 2, 3, 9].map((failures) => nextLookMs(0, failures))).toEqual([1_000, 2_000, 4_000, 15_000]);
});

test('an order remembers the tags of its host, and that a balancer has begun to take the host out', () => {
  const tags = { Port: '81' };
  const first = progressOf([seen('a', 'waiting'), seen('b', 'absent')], { ...NO_MEMORY, tags }, at(0));
  expect(first.memory).toEqual({ ...NO_MEMORY, tags });
  const second = progressOf([seen('a', 'draining')], first.memory as TrafficMemory, at(1));
  const third = progressOf([faulty('a')], second.memory as TrafficMemory, at(2));
  expect(third.memory).toMatchObject({ tags, leaving: ['a'] });
});
