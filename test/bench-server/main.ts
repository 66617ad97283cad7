/**
 * Measures the control server under load: `npm run bench:server`. The load generator is a process of its own and stays on this machine. It
 * speaks the wire as agents do, signed. The two share the machine's processors.
 */
import { resolve } from 'node:path';
import { type Figure, show } from '../bench/figures.ts';
import { type PostgresCluster, postgresCluster, postgresPrograms } from '../support/postgres.ts';
import { anyText, flag, oneOf, programOptions, wholeNumber } from '../support/program-options.ts';
import { type DeploymentGoals, deploymentFigures } from './deployments.ts';
import { historyFigures } from './history.ts';
import { idleFigures } from './idle.ts';
import { ownFolder } from './own-folder.ts';
import { pushFigures } from './push.ts';
import { reportFigures } from './report.ts';
import { stepFigures } from './step-cost.ts';

const PARTS = ['step', 'idle', 'deployments', 'push', 'history', 'report'];
const DATABASES = ['sqlite', 'postgres'];

const values = programOptions('bench:server', {
  part: oneOf(PARTS, 'only one part'),
  database: oneOf(DATABASES, 'only one database'),
  hosts: wholeNumber('hosts that wait for work, for the part idle', { least: 1, otherwise: 5000 }),
  window: wholeNumber('for how many seconds they are watched', { least: 1, otherwise: 60 }),
  fleet: wholeNumber('hosts that are deployed to', { least: 1, otherwise: 1000 }),
  deployments: wholeNumber('length of the history', { least: 1, otherwise: 100_000 }),
  profile: anyText('FOLDER', 'has each server write a CPU profile to the folder when it ends'),
  json: flag('one line a figure: name, value, unit, floor, ratio, goal'),
});
const { hosts, fleet, deployments: deployed, window: windowSeconds } = values;
const profileDir = values.profile === null ? null : resolve(values.profile);

/** As many as one fleet may have whose report comes without a pause. */
const REPORTED_HOSTS = 10_000;
const ON_SQLITE: DeploymentGoals = { AllAtOnce: 10, OneAtATime: 30 };
const ON_POSTGRES: DeploymentGoals = { AllAtOnce: 15, OneAtATime: 30 };

async function* deployments(postgres: PostgresCluster | null): AsyncGenerator<Figure> {
  const goals = postgres === null ? ON_SQLITE : ON_POSTGRES;
  const request = { hosts: fleet, postgres, goals, profileDir };
  yield* deploymentFigures({ ...request, https: false, ways: ['AllAtOnce', 'OneAtATime'] });
  yield* deploymentFigures({ ...request, https: true, ways: ['AllAtOnce'] });
}

function history(postgres: PostgresCluster | null): AsyncGenerator<Figure> {
  return historyFigures({ deployments: deployed, postgres });
}

async function* onPostgres(measure: (cluster: PostgresCluster) => AsyncGenerator<Figure>): AsyncGenerator<Figure> {
  if (postgresPrograms === null) {
    process.stderr.write(
      'not measured: deployments and history on PostgreSQL, since initdb and postgres are not installed\n',
    );
    return;
  }
  await using cluster = await postgresCluster();
  yield* measure(cluster);
}

const isWanted = (part: string, database: string) =>
  (values.part ?? part) === part && (values.database ?? database) === database;
const windowMs = windowSeconds * 1_000;
const parts: readonly AsyncGenerator<Figure>[] = [
  ...(isWanted('step', 'sqlite') ? [stepFigures(fleet)] : []),
  ...(isWanted('idle', 'sqlite')
    ? [false, true].map((https) => idleFigures({ hosts, https, postgres: null, windowMs, profileDir }))
    : []),
  ...(isWanted('deployments', 'sqlite') ? [deployments(null)] : []),
  ...(isWanted('deployments', 'postgres') ? [onPostgres(deployments)] : []),
  ...(isWanted('push', 'sqlite')
    ? [pushFigures({ hosts: fleet, goalSeconds: (ON_SQLITE.AllAtOnce * fleet) / 1_000, profileDir })]
    : []),
  ...(isWanted('history', 'sqlite') ? [history(null)] : []),
  ...(isWanted('history', 'postgres') ? [onPostgres(history)] : []),
  ...(isWanted('report', 'sqlite') ? [reportFigures({ hosts: REPORTED_HOSTS, postgres: null })] : []),
  ...(isWanted('report', 'postgres')
    ? [onPostgres((postgres) => reportFigures({ hosts: REPORTED_HOSTS, postgres }))]
    : []),
];
await using _folder = await ownFolder();
for (const part of parts) {
  for await (const figure of part) process.stdout.write(show(figure, values.json));
}
