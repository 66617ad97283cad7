/**
 * What the control server bears: `npm run bench:server`. The load generator is a process of its own, speaks the wire as agents do, signed, and
 * stays on this machine; the two share its processors.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Figure, show } from '../bench/figures.ts';
import { type PostgresCluster, postgresCluster, postgresPrograms } from '../support/postgres.ts';
import { type DeploymentGoals, deploymentFigures } from './deployments.ts';
import { historyFigures } from './history.ts';
import { idleFigures } from './idle.ts';
import { ownFolder } from './own-folder.ts';
import { pushFigures } from './push.ts';
import { reportFigures } from './report.ts';
import { stepFigures } from './step-cost.ts';

const HELP = `npm run bench:server -- [OPTIONS]

  --part NAME           only one of step, idle, deployments, push, history, report
  --database NAME       only one of sqlite, postgres
  --hosts N             hosts that wait for work, for the part idle (5000)
  --window SECONDS      for how long they are watched (60)
  --fleet N             hosts that are deployed to (1000)
  --deployments N       length of the history (100000)
  --profile FOLDER      has each server write a CPU profile to the folder when it ends
  --json                one line a figure: name, value, unit, floor, ratio, goal
`;
const PARTS = ['step', 'idle', 'deployments', 'push', 'history', 'report'];
const DATABASES = ['sqlite', 'postgres'];

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    part: { type: 'string' },
    hosts: { type: 'string', default: '5000' },
    fleet: { type: 'string', default: '1000' },
    deployments: { type: 'string', default: '100000' },
    window: { type: 'string', default: '60' },
    database: { type: 'string' },
    profile: { type: 'string' },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
requireOneOf('part', values.part, PARTS);
requireOneOf('database', values.database, DATABASES);
const [hosts = 0, fleet = 0, deployed = 0, windowSeconds = 0] = (
  ['hosts', 'fleet', 'deployments', 'window'] as const
).map((option) => positiveNumber(option, values[option]));
const profileDir = values.profile === undefined ? null : resolve(values.profile);

function requireOneOf(option: string, given: string | undefined, known: readonly string[]): void {
  if (given !== undefined && !known.includes(given))
    refuse(`--${option} is one of ${known.join(', ')}, not '${given}'`);
}

function positiveNumber(option: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) refuse(`--${option} is a whole number from 1 on, not '${text}'`);
  return Number(text);
}

function refuse(why: string): never {
  process.stderr.write(`bench:server: ${why}. --help shows all options\n`);
  process.exit(64);
}

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
