/** The kill sweep of the server in a reduced form; `npm run test:server-faults -- --runs 60` is the full one. */
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch.ts';
import { planRun } from '../support/server-faults/plan.ts';
import { sweepServerFaults } from '../support/server-faults/sweep.ts';
import { createWitness } from '../support/server-faults/witness.ts';

describe('a rolling deployment whose server is killed', () => {
  test('loses no report, runs nothing twice, keeps to its limit and comes to its end, five times', async () => {
    using scratch = scratchFolder();
    const request = { seed: 20_261, runs: [0, 1, 2, 3, 4], folder: scratch.path, on: 'sqlite', agents: 0 } as const;
    const summary = await sweepServerFaults(request);
    expect(summary).toMatchObject({ runs: 5, lost: 0, twice: 0, overLimit: 0, stuck: 0, problems: [] });
    // A sweep whose kills do not happen proves nothing.
    expect(summary.kills).toBeGreaterThanOrEqual(5);
  }, 180_000);

  test('can be planned again from its seed, with every configuration, failures, stops and second kills', () => {
    const plans = () => Array.from({ length: 60 }, (_, run) => planRun(7, run, 2, 4));
    expect(plans()).toEqual(plans());
    expect(new Set(plans().map(({ minimum }) => minimum.deploymentConfigName)).size).toBe(5);
    expect(plans().filter(({ failing }) => failing !== null).length).toBeGreaterThan(5);
    expect(plans().filter(({ stopAfterSteps }) => stopAfterSteps !== null).length).toBeGreaterThan(3);
    expect(new Set(plans().flatMap(({ kills }) => kills.map(({ place }) => place)))).toEqual(new Set([0, 1]));
    expect(plans().filter(({ kills }) => kills.length > 1).length).toBeGreaterThan(5);
  });
});

describe('the witness of a sweep', () => {
  const noting = () => {
    let nowMs = 0;
    return createWitness(() => ++nowMs);
  };

  test('counts hosts that are out of service at one instant, and one that failed until the end', () => {
    const witness = noting();
    for (const host of ['a', 'b', 'c']) {
      witness.received(host, 'd');
      witness.ran(host, 'd', 'Install');
      if (host !== 'a') witness.done(host, 'd');
    }
    witness.received('other', 'e');
    expect(witness.mostDown('d')).toBe(2);
    expect(witness.mostDown('e')).toBe(1);
  });

  test('sorts what scripts have written down by its time, and a host that is done is back before the next begins', () => {
    const witness = noting();
    witness.ran('b', 'd', 'Install', 20);
    witness.ran('a', 'd', 'Install', 10);
    witness.done('a', 'd', 20);
    expect(witness.mostDown('d')).toBe(1);
    witness.ran('c', 'd', 'Install', 15);
    expect(witness.mostDown('d')).toBe(2);
  });

  test('names what a host has run twice in one deployment, and not what it runs in the next', () => {
    const witness = noting();
    for (const deployment of ['d', 'd', 'e']) witness.ran('a', deployment, 'Install');
    expect(witness.ranTwice('d')).toEqual(['Install on a: 2 times']);
    expect(witness.ranTwice('e')).toEqual([]);
  });

  test('tells when hosts have taken so many steps more', async () => {
    const witness = noting();
    const reached: number[] = [];
    const waits = [2, 1, 0].map((steps) => witness.afterSteps(steps).then(() => reached.push(steps)));
    await waits[2];
    expect(reached).toEqual([0]);
    witness.received('a', 'd');
    await waits[1];
    expect(reached).toEqual([0, 1]);
    witness.answered({ deploymentId: 'd', host: 'a', event: 'Install', status: 'Succeeded' });
    await Promise.all(waits);
    expect(reached).toEqual([0, 1, 2]);
  });
});
