import { expect, test } from 'vitest';
import { minimumsFor, planDeployment, planFaults } from './plan.ts';

const SIZE = { servers: 3, hosts: 50, kills: 100, restarts: 8 };

test('the schedule of the chaos follows from its seed, with as many kills and restarts as were asked for', () => {
  const faults = planFaults(7, SIZE);
  expect(planFaults(7, SIZE)).toEqual(faults);
  expect(planFaults(8, SIZE)).not.toEqual(faults);
  for (const seed of [1, 2, 3, 4, 5]) {
    const planned = planFaults(seed, SIZE);
    expect(planned.flatMap(({ victims }) => victims)).toHaveLength(100);
    expect(planned.filter(({ database }) => database !== null)).toHaveLength(8);
  }
  expect(planFaults(1, { ...SIZE, kills: 0, restarts: 2 })).toHaveLength(2);
});

test('the chaos kills each server, now one and now several, and never one twice in the same fault', () => {
  const faults = planFaults(7, SIZE);
  expect(new Set(faults.flatMap(({ victims }) => victims.map(({ place }) => place)))).toEqual(new Set([0, 1, 2]));
  expect(new Set(faults.map(({ victims }) => victims.length))).toEqual(new Set([0, 1, 2, 3]));
  for (const { victims } of faults) {
    expect(new Set(victims.map(({ place }) => place)).size).toBe(victims.length);
  }
});

test('deployments of the chaos follow from the seed, with every minimum, failures and stops among them', () => {
  const plans = Array.from({ length: 60 }, (_, number) => planDeployment(7, number, 50));
  expect(Array.from({ length: 60 }, (_, number) => planDeployment(7, number, 50))).toEqual(plans);
  expect(new Set(plans.map(({ minimum }) => minimum.deploymentConfigName)).size).toBe(minimumsFor(50).length);
  expect(plans.filter(({ failing }) => failing !== null).length).toBeGreaterThan(5);
  expect(plans.filter(({ stopAfterSteps }) => stopAfterSteps !== null).length).toBeGreaterThan(2);
});

test('each configuration of the chaos lets a deployment begin, however few hosts there are', () => {
  for (const hosts of [2, 3, 5, 8, 12, 50]) {
    for (const { allowed } of minimumsFor(hosts)) expect(allowed).toBeGreaterThan(0);
  }
  expect(minimumsFor(50).map(({ allowed }) => allowed)).toEqual([25, 5, 12, 8]);
});
