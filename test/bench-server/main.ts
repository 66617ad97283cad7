/**
 * What the control server bears: `npm run bench:server`, with `-- --json` one line a figure, with the fields of `npm run bench`.
 *
 * The load generator is a process of its own, speaks the wire as agents do, signed, and stays on this machine; the two share its processors.
 * `--part step|idle|deployments|history` measures less, `--hosts N` and `--fleet N` set how many hosts wait and how many are deployed to (5 000
 * and 1 000), `--deployments N` how long the history is (100 000), `--window SECONDS` for how long an idle fleet is watched, and `--database sqlite|postgres` leaves the other one out.
 */
import { parseArgs } from 'node:util';
import { type Figure, show } from '../bench/figures.ts';
import { type PostgresCluster, postgresCluster, postgresPrograms } from '../support/postgres.ts';
import { type DeploymentGoals, deploymentFigures } from './deployments.ts';
import { historyFigures } from './history.ts';
import { idleFigures } from './idle.ts';
import { stepFigures } from './step-cost.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    part: { type: 'string' },
    hosts: { type: 'string', default: '5000' },
    fleet: { type: 'string', default: '1000' },
    deployments: { type: 'string', default: '100000' },
    window: { type: 'string', default: '60' },
    database: { type: 'string' },
  },
});
const hosts = Number(values.hosts);
const fleet = Number(values.fleet);

const ON_SQLITE: DeploymentGoals = { AllAtOnce: 10, OneAtATime: 30 };
const ON_POSTGRES: DeploymentGoals = { AllAtOnce: 15, OneAtATime: 30 };

async function* deployments(postgres: PostgresCluster | null): AsyncGenerator<Figure> {
  const goals = postgres === null ? ON_SQLITE : ON_POSTGRES;
  const request = { hosts: fleet, postgres, goals };
  yield* deploymentFigures({ ...request, https: false, ways: ['AllAtOnce', 'OneAtATime'] });
  yield* deploymentFigures({ ...request, https: true, ways: ['AllAtOnce'] });
}

function history(postgres: PostgresCluster | null): AsyncGenerator<Figure> {
  return historyFigures({ deployments: Number(values.deployments), postgres });
}

async function* onPostgres(measure: (cluster: PostgresCluster) => AsyncGenerator<Figure>): AsyncGenerator<Figure> {
  if (postgresPrograms === null) {
    process.stderr.write('not measured on PostgreSQL: initdb and postgres are not installed\n');
    return;
  }
  await using cluster = await postgresCluster();
  yield* measure(cluster);
}

const isWanted = (part: string, database: string) =>
  (values.part ?? part) === part && (values.database ?? database) === database;
const windowMs = Number(values.window) * 1_000;
const parts: readonly AsyncGenerator<Figure>[] = [
  ...(isWanted('step', 'sqlite') ? [stepFigures(fleet)] : []),
  ...(isWanted('idle', 'sqlite')
    ? [false, true].map((https) => idleFigures({ hosts, https, postgres: null, windowMs }))
    : []),
  ...(isWanted('deployments', 'sqlite') ? [deployments(null)] : []),
  ...(isWanted('deployments', 'postgres') ? [onPostgres(deployments)] : []),
  ...(isWanted('history', 'sqlite') ? [history(null)] : []),
  ...(isWanted('history', 'postgres') ? [onPostgres(history)] : []),
];
for (const part of parts) {
  for await (const figure of part) process.stdout.write(show(figure, values.json));
}
