/**
 * Measures Slipway beside the system's own tools, in the same run: `npm run bench`, with `-- --json` one line a figure.
 *
 * Contestants take turns after a round that does not count; a figure is the median, a ratio the median of the rounds' ratios. The system's
 * tools sync nothing; Install syncs its journal and, once per file system, everything that it has staged, and that is in its figures.
 * `--part contests|deployments|long-run|daemon` and `--shape many|big` measure less. Where a tool is missing, it says so before it begins, and
 * measures what is left.
 */
import { flag, oneOf, programOptions } from '../support/program-options.ts';
import { BIG, MANY } from './bundles.ts';
import { contestsOf } from './contests.ts';
import { daemonFigures } from './daemon.ts';
import { deploymentsOf, longRunOf } from './deployments.ts';
import { type Figure, show } from './figures.ts';
import { type GroundUse, prepareGround } from './ground.ts';
import { missingTools } from './tools.ts';

const values = programOptions('bench', {
  part: oneOf(['daemon', 'contests', 'deployments', 'long-run'], 'only one part'),
  shape: oneOf(['many', 'big'], 'only the bundles of one kind'),
  json: flag('one line a figure: name, value, unit, floor, ratio, goal'),
});
const shapes = [MANY, BIG].filter(({ name }) => name.startsWith(values.shape ?? ''));
const parts: Readonly<Record<string, { use: GroundUse; figures(path: string): readonly AsyncGenerator<Figure>[] }>> = {
  daemon: { use: 'deployments', figures: (path) => [daemonFigures(path)] },
  contests: { use: 'contests', figures: (path) => shapes.map((shape) => contestsOf(shape, path)) },
  deployments: { use: 'deployments', figures: (path) => [deploymentsOf(shapes, path)] },
  'long-run': { use: 'deployments', figures: (path) => [longRunOf(BIG, path)] },
};
const chosen = Object.entries(parts).filter(([name]) => values.part === null || values.part === name);
const missing = missingTools(
  chosen.map(([name]) => name),
  process.getuid?.() === 0,
);
for (const line of missing) process.stderr.write(`${line}\n`);
for (const [name, { use, figures }] of chosen) {
  using ground = prepareGround(use);
  const giveUp = () => {
    ground[Symbol.dispose]();
    process.exit(1);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, giveUp);
  if (!values.json) process.stdout.write(`${name}, measured ${ground.kind}\n`);
  for (const some of figures(ground.path)) {
    for await (const figure of some) process.stdout.write(show(figure, values.json));
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, giveUp);
}
