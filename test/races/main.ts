/**
 * Simultaneous requests against real servers, on SQLite and on PostgreSQL: `npm run test:races -- --json`. A line for each race, and last
 * the summary, with `--json` as one JSON text: races, lostUpdates, dangling, overLimit, internalFailures. Exits 1 unless all four are 0 and
 * both databases were raced on. `--rounds N` says how often each race is run.
 */
import { postgresCluster, postgresPrograms } from '../support/postgres.ts';
import { flag, programOptions, wholeNumber } from '../support/program-options.ts';
import { scratchFolder } from '../support/scratch.ts';
import type { Damage } from './race.ts';
import { type RaceReport, runRaces } from './run-races.ts';

const DEFAULT_ROUNDS = 20;

const values = programOptions('test:races', {
  rounds: wholeNumber('how often each race is run', { least: 1, otherwise: DEFAULT_ROUNDS }),
  json: flag('the summary as JSON'),
});
const { rounds } = values;
const total = { races: 0, lostUpdates: 0, dangling: 0, overLimit: 0, internalFailures: 0 };

function describe(damage: Damage): string {
  const kinds = Object.entries(damage).filter(([, count]) => count > 0);
  return kinds.length === 0 ? 'in order' : kinds.map(([kind, count]) => `${kind} ${count}`).join(', ');
}

function add(report: RaceReport): void {
  for (const kind of Object.keys(total) as (keyof RaceReport)[]) total[kind] += report[kind];
}

{
  using scratch = scratchFolder();
  add(
    await runRaces({ dataDir: scratch.at('data') }, scratch.path, rounds, ({ name }, damage) =>
      process.stderr.write(`sqlite    ${name}: ${describe(damage)}\n`),
    ),
  );
}
if (postgresPrograms === null) {
  process.stderr.write('postgres  not run: PostgreSQL (initdb and postgres) is not installed\n');
} else {
  using scratch = scratchFolder();
  await using cluster = await postgresCluster();
  add(
    await runRaces({ databaseUrl: await cluster.createDatabase() }, scratch.path, rounds, ({ name }, damage) =>
      process.stderr.write(`postgres  ${name}: ${describe(damage)}\n`),
    ),
  );
}
const { races, ...damage } = total;
process.stdout.write(values.json ? `${JSON.stringify(total)}\n` : `${races} races: ${describe(damage)}\n`);
const harm = Object.values(damage).reduce((sum, count) => sum + count, 0);
process.exitCode = harm === 0 && races > 0 && postgresPrograms !== null ? 0 : 1;
