import { expect, test } from 'vitest';
import { AGENT_EVENTS, HOOK_EVENTS } from '../../../src/protocol/lifecycle-events.ts';
import { courseOf, type Scenario } from '../../../src/server/engine/course.ts';

const SCENARIOS: readonly (readonly [Scenario, readonly number[]])[] = [
  ['in-place', [7]],
  ['in-place-with-traffic', [13]],
  ['blue-green', [7, 3, 3]],
  ['blue-green-rollback', [3, 3]],
  ['instance-launch', [10]],
  ['instance-termination', [4]],
  ['lambda', [3]],
  ['ecs', [8]],
];

test.each(SCENARIOS)('a deployment %s has as many events in each phase as the service has', (scenario, counts) => {
  expect(courseOf(scenario).map(({ events }) => events.length)).toEqual(counts);
});

test('a host is told of all events that agents have commands for, and of no others', () => {
  const told = SCENARIOS.flatMap(([scenario]) => courseOf(scenario))
    .flatMap(({ events }) => events)
    .filter(({ doer }) => doer === 'host')
    .map(({ name }) => name);
  expect(new Set(told)).toEqual(new Set([...HOOK_EVENTS, ...AGENT_EVENTS]));
});

test('no phase has an event twice', () => {
  for (const { events } of SCENARIOS.flatMap(([scenario]) => courseOf(scenario))) {
    expect(new Set(events.map(({ name }) => name)).size).toBe(events.length);
  }
});
