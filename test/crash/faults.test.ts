/** The fault sweep in a reduced form; `npm run test:faults -- --runs 500` is the full one. */
import { describe, expect, test } from 'vitest';
import { planFault, sweepFaults } from '../support/faults/sweep.ts';
import { seededRandom } from '../support/random.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startControlServer } from '../support/slipway.ts';

/** Enough for a few of each kind; the full sweep has them all. */
const RUNS = 16;

describe('a deployment that a fault hits', () => {
  test('leaves the old tree or the new one, and the server has one outcome of each command it ordered', async () => {
    using scratch = scratchFolder();
    await using server = await startControlServer(scratch.at('server'));
    const runs = Array.from({ length: RUNS }, (_, n) => n);
    const halves = [0, 1].map((lane) => runs.filter((run) => run % 2 === lane));
    const summaries = await Promise.all(
      halves.map((own, lane) =>
        sweepFaults({ seed: 20_261, runs: own, folder: scratch.path, server, name: `host-${lane}` }),
      ),
    );
    for (const summary of summaries) {
      expect(summary).toMatchObject({ runs: RUNS / 2, mixtures: 0, outcomesLost: 0, problems: [] });
      // A sweep whose faults do not happen proves nothing.
      expect(summary.faults).toBeGreaterThan(RUNS / 4);
    }
  }, 180_000);

  test('can be repeated from its seed', () => {
    const plans = () => Array.from({ length: 60 }, (_, run) => planFault(run, seededRandom(7 * run)));
    expect(plans()).toEqual(plans());
    expect(new Set(plans().map(({ action }) => action))).toEqual(new Set(['kill', 'kill-daemon', 'error', 'kill-at']));
  });
});
