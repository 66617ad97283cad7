/**
 * What Slipway costs beside the system's own tools, in the same run: `npm run bench`, with `-- --json` one line a figure.
 *
 * Contestants take turns after a round that does not count; a figure is the median, a ratio the median of the rounds' ratios. The system's
 * tools sync nothing; Install syncs its journal and, once per file system, everything that it has staged, and that is in its figures.
 * `--part contests|deployments|long-run` and `--shape many|big` measure less.
 */
import { parseArgs } from 'node:util';
import { BIG, MANY } from './bundles.ts';
import { contestsOf } from './contests.ts';
import { deploymentsOf, longRunOf } from './deployments.ts';
import { show } from './figures.ts';
import { prepareGround } from './ground.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, part: { type: 'string' }, shape: { type: 'string' } },
});

using ground = prepareGround();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    ground[Symbol.dispose]();
    process.exit(1);
  });
}
if (!values.json) process.stdout.write(`measured ${ground.kind}\n`);
const shapes = [MANY, BIG].filter(({ name }) => name.startsWith(values.shape ?? ''));
const parts = {
  contests: shapes.map((shape) => contestsOf(shape, ground.path)),
  deployments: [deploymentsOf(shapes, ground.path)],
  'long-run': [longRunOf(BIG, ground.path)],
};
for (const [name, groups] of Object.entries(parts)) {
  if (values.part !== undefined && values.part !== name) continue;
  for (const figures of groups) for await (const figure of figures) process.stdout.write(show(figure, values.json));
}
