/** Cost of a step of a large deployment when one event of it has changed; beside it, the time of any commit on this disk. */
import { DatabaseSync } from 'node:sqlite';
import { openStore } from '../../src/server/store/store.ts';
import { type Figure, median } from '../bench/figures.ts';
import { engineServer, makeFleet, pollNow, startDeployment } from '../support/engine-world.ts';
import { scratchFolder } from '../support/scratch.ts';
import { watched } from '../support/stores.ts';

const ROUNDS = 60;
const WARM_ROUNDS = 20;
const GOAL_MS = 2;

export async function* stepFigures(hosts: number): AsyncGenerator<Figure> {
  using scratch = scratchFolder();
  const location = { dataDir: scratch.at('data') };
  const store = watched(await openStore(location));
  try {
    const database = { location, open: async () => store, [Symbol.asyncDispose]: async () => undefined };
    // Reports are taken without a step, so that the step can be timed by itself.
    await using server = await engineServer(database, { diesBeforeStep: true });
    const names = Array.from({ length: hosts }, (_, index) => `host-${index}`);
    await makeFleet(store, names);
    await startDeployment(server, 'd-STEP00000');
    const times: number[] = [];
    const cpuTimes: number[] = [];
    for (let round = 0; round < WARM_ROUNDS + ROUNDS; round += 1) {
      const host = names[round % names.length] ?? '';
      const command = await pollNow(server, host);
      if (command === null) throw new Error(`there is no command for ${host}`);
      await server.acknowledge(host, command);
      await server.complete(host, command);
      const [beganMs, began] = [performance.now(), process.cpuUsage()];
      await server.engine.step('d-STEP00000');
      const { user, system } = process.cpuUsage(began);
      if (round < WARM_ROUNDS) continue;
      times.push(performance.now() - beganMs);
      cpuTimes.push((user + system) / 1_000);
    }
    yield commitFigure(scratch.at('commits.db'));
    const name = `one step of a deployment to ${hosts} hosts, one event changed`;
    yield { name, value: median(times), unit: 'ms', floor: null, ratio: null, goal: GOAL_MS };
    // On a machine that others use, too, this says more.
    yield { name: `${name}: CPU time`, value: median(cpuTimes), unit: 'ms', floor: null, ratio: null, goal: GOAL_MS };
  } finally {
    await store.close();
  }
}

/** A commit of one row, with nothing around it, as the server's database makes them. */
function commitFigure(file: string): Figure {
  const database = new DatabaseSync(file);
  database.exec('pragma journal_mode = wal; pragma synchronous = full; create table rows (id integer primary key)');
  const insert = database.prepare('insert into rows default values');
  const times = Array.from({ length: ROUNDS }, () => {
    const beganMs = performance.now();
    insert.run();
    return performance.now() - beganMs;
  });
  database.close();
  return {
    ...{ name: 'for comparison: a commit of SQLite on this disk', value: median(times), unit: 'ms' },
    ...{ floor: null, ratio: null, goal: null },
  };
}
