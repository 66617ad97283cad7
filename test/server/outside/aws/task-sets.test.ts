import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  describeTaskSet,
  failedStartLimit,
  failedStarts,
  isSteady,
  type Roles,
  rolesOf,
  type TaskSetSeen,
} from '../../../../src/server/outside/aws/task-sets.ts';

const PAIR = ['arn:a', 'arn:b'] as const;
const ID = 'd-THISONE00';

function set(id: string, parts: Partial<TaskSetSeen> = {}): TaskSetSeen {
  return {
    ...{
      id,
      arn: `arn:${id}`,
      status: 'ACTIVE',
      externalId: null,
      taskDefinition: 'arn:td',
      targetGroupArns: [PAIR[0]],
    },
    ...{ desired: 2, pending: 0, running: 2, isSteady: true, stableSinceMs: null },
    ...parts,
  };
}
const request = (parts: Partial<Parameters<typeof rolesOf>[1]> = {}) => ({
  ...{ deploymentId: ID, pair: PAIR, servingGroup: PAIR[0], knownBlueId: null },
  ...parts,
});
const roles = (sets: readonly TaskSetSeen[], parts?: Parameters<typeof request>[0]): Roles => {
  const found = rolesOf(sets, request(parts));
  if (typeof found === 'string') throw new Error(found);
  return found;
};

describe('the roles of task sets', () => {
  test('blue is the PRIMARY one, and green gets the other group, whichever that is', () => {
    fc.assert(
      fc.property(fc.constantFrom(...PAIR), (group) => {
        const blue = set('one', { status: 'PRIMARY', targetGroupArns: [group] });
        const found = roles([blue]);
        expect(found).toMatchObject({ blue: { id: 'one' }, green: null, blueGroup: group, leftovers: [] });
        expect(new Set([found.blueGroup, found.greenGroup])).toEqual(new Set(PAIR));
      }),
    );
  });

  test('green is known by the id of its deployment, also after it has become PRIMARY', () => {
    const green = set('two', { externalId: ID, targetGroupArns: [PAIR[1]], status: 'PRIMARY' });
    const found = roles([set('one'), green], { knownBlueId: 'one' });
    expect(found).toMatchObject({ blue: { id: 'one' }, green: { id: 'two' }, greenGroup: PAIR[1], blueGroup: PAIR[0] });
  });

  test('the groups do not change in the course of a deployment, whatever is made, primary, draining or gone', () => {
    const stages = fc.constantFrom(
      [set('one', { status: 'PRIMARY' })],
      [set('one', { status: 'PRIMARY' }), set('two', { externalId: ID, targetGroupArns: [PAIR[1]] })],
      [set('one'), set('two', { externalId: ID, targetGroupArns: [PAIR[1]], status: 'PRIMARY' })],
      [
        set('one', { status: 'DRAINING' }),
        set('two', { externalId: ID, targetGroupArns: [PAIR[1]], status: 'PRIMARY' }),
      ],
      [set('two', { externalId: ID, targetGroupArns: [PAIR[1]], status: 'PRIMARY' })],
    );
    fc.assert(
      fc.property(stages, (sets) => {
        const found = roles(sets, { knownBlueId: 'one' });
        expect([found.blueGroup, found.greenGroup]).toEqual(PAIR);
        expect(found.blue?.id ?? 'one').toBe('one');
        expect(found.leftovers).toEqual([]);
      }),
    );
  });

  test('task sets without a PRIMARY one have no blue, and green goes where production forwards to', () => {
    expect(roles([], { servingGroup: PAIR[1] })).toMatchObject({ blue: null, greenGroup: PAIR[1], blueGroup: PAIR[0] });
    expect(roles([], { servingGroup: null })).toMatchObject({ blue: null, greenGroup: PAIR[0] });
  });

  test('task sets that take up the green group are leftovers, and those elsewhere are not', () => {
    const blue = set('one', { status: 'PRIMARY' });
    const old = set('old', { externalId: 'd-OLD', targetGroupArns: [PAIR[1]] });
    const elsewhere = set('other', { targetGroupArns: ['arn:c'] });
    expect(roles([blue, old, elsewhere]).leftovers).toEqual([old]);
  });

  test('a PRIMARY one outside of the pair is a fault that names it', () => {
    const fault = rolesOf([set('one', { status: 'PRIMARY', targetGroupArns: ['arn:c'] })], request());
    expect(fault).toContain('one (PRIMARY) is in arn:c');
    expect(rolesOf([set('one', { status: 'PRIMARY', targetGroupArns: [] })], request())).toContain('no target group');
    expect(rolesOf([set('one', { status: 'PRIMARY', targetGroupArns: PAIR })], request())).toContain('arn:a and arn:b');
  });
});

describe('a task set', () => {
  test('is steady when ECS says so, all tasks run and none is to come', () => {
    const counts = fc.record({ desired: fc.nat(5), running: fc.nat(5), pending: fc.nat(2), isSteady: fc.boolean() });
    fc.assert(
      fc.property(counts, (parts) => {
        const isDone = parts.isSteady && parts.running === parts.desired && parts.pending === 0;
        expect(isSteady(set('one', parts))).toBe(isDone);
      }),
    );
  });

  test('is described with its counts, and since when it is as it is', () => {
    const one = set('one', { running: 1, desired: 3, pending: 2, isSteady: false, stableSinceMs: 60_000 });
    expect(describeTaskSet(one, 5 * 60_000 + 1_000)).toBe('1 of 3 running, 2 pending, STABILIZING for 4 min');
    expect(describeTaskSet(set('two'), 0)).toBe('2 of 2 running, STEADY_STATE');
  });
});

describe('failed starts', () => {
  const task = (stopCode: string, reason = '', startedBy = 'one') => ({ arn: 'arn:t', startedBy, stopCode, reason });

  test.each([
    ['a container that ended', task('EssentialContainerExited'), 1],
    ['an image that could not be pulled', task('TaskFailedToStart'), 1],
    [
      'a failed health check',
      task('ServiceSchedulerInitiated', 'Task failed ELB health checks in (target-group a)'),
      1,
    ],
    ['a scale-in', task('ServiceSchedulerInitiated', 'Scaling activity initiated by deployment'), 0],
    ['a person who stopped it', task('UserInitiated'), 0],
    ['a task of another task set', task('EssentialContainerExited', '', 'two'), 0],
  ])('%s counts as many as are expected', (_what, stopped, count) => {
    expect(failedStarts([stopped], 'one')).toHaveLength(count);
  });

  test.each([
    [0, 3],
    [1, 3],
    [6, 3],
    [7, 4],
    [25, 13],
    [400, 200],
    [900, 200],
  ])('a task set of %i tasks is given up after %i of them', (desired, limit) => {
    expect(failedStartLimit(desired)).toBe(limit);
  });
});
