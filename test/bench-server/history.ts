/** Cost of a long history: pages, new deployments, and the deletion of old records while others ask. */
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import { openStore, type StoreLocation } from '../../src/server/store/store.ts';
import { type Figure, median } from '../bench/figures.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { scratchFolder } from '../support/scratch.ts';
import { type ControlServer, startControlServer } from '../support/slipway.ts';
import { builtServer } from './built-server.ts';
import { APPLICATION, fillHistory, GROUP, historicId } from './fill-history.ts';
import { UNLIMITED } from './ground.ts';

const ROUNDS = 30;
/** For how long requests are timed while the server deletes. */
const DELETING_MS = 15_000;
const DAY_MS = 24 * 60 * 60_000;
/** As long as somebody waits for a page without noticing. */
const GOAL_MS = 50;
const KEEP_ALL = ['deployments', 'diagnostics', 'revisions'].flatMap((what) => [`--keep-${what}`, 'forever']);
const KEEP_HALF = ['deployments', 'diagnostics', 'revisions'].flatMap((what) => [`--keep-${what}`, '182']);

export interface HistoryRequest {
  /** How many deployments of the last year there are. */
  readonly deployments: number;
  /** null: SQLite. */
  readonly postgres: PostgresCluster | null;
}

export async function* historyFigures({ deployments, postgres }: HistoryRequest): AsyncGenerator<Figure> {
  using scratch = scratchFolder();
  const dataDir = scratch.at('data');
  const program = await builtServer(scratch);
  const databaseUrl = await postgres?.createDatabase();
  const database = [...(databaseUrl === undefined ? [] : ['--database', databaseUrl]), ...UNLIMITED];
  const location: StoreLocation = databaseUrl === undefined ? { dataDir } : { databaseUrl };
  const on = databaseUrl === undefined ? 'SQLite' : 'PostgreSQL';
  const name = (what: string) => `${deployments} deployments on ${on}: ${what}`;
  let env: ControlServer['env'];
  {
    await using server = await startControlServer(dataDir, undefined, [...database, ...KEEP_ALL], {}, program);
    env = server.env;
    await fillHistory(location, { deployments, nowMs: Date.now() });
    const admin = clientOf(server);
    for (const [what, ask] of requests(deployments)) {
      const times = await timesOf(ROUNDS, () => ask(admin));
      yield figure(name(what), median(times), GOAL_MS);
    }
  }
  const anywhere = { url: 'http://127.0.0.1:0', s3Url: 'http://127.0.0.1:0', env };
  const before = await countDeployments(location);
  await using server = await startControlServer(dataDir, anywhere, [...database, ...KEEP_HALF], {}, program);
  const admin = clientOf(server);
  const beganMs = performance.now();
  const times: number[] = [];
  while (performance.now() - beganMs < DELETING_MS) times.push(...(await timesOf(1, () => firstPage(admin))));
  const deleted = before - (await countDeployments(location));
  yield figure(name('first page while old ones are deleted, median'), median(times), GOAL_MS);
  yield figure(name('the same, the slowest of all'), Math.max(...times), null);
  yield figure(name('time to delete 1000 in the background'), ((performance.now() - beganMs) * 1000) / deleted, null);
}

type Request = (admin: ManagementClient) => Promise<unknown>;

const firstPage: Request = (admin) => admin.call('ListDeployments', {});

function requests(deployments: number): readonly (readonly [what: string, Request])[] {
  const half = (Date.now() - 182 * DAY_MS) / 1000;
  let made = 0;
  return [
    ['the first page', firstPage],
    ['a page of half a year ago', (admin) => admin.call('ListDeployments', { createTimeRange: { end: half } })],
    ['a page of a rare status', (admin) => admin.call('ListDeployments', { includeOnlyStatuses: ['Stopped'] })],
    ['a page of one group', (admin) => admin.call('ListDeployments', { ...GROUP, includeOnlyStatuses: ['Failed'] })],
    [
      'a page of revisions',
      (admin) => admin.call('ListApplicationRevisions', { ...APPLICATION, sortBy: 'lastUsedTime' }),
    ],
    ['one deployment', (admin) => admin.call('GetDeployment', { deploymentId: historicId(deployments >> 1) })],
    [
      'CreateDeployment',
      (admin) => {
        made += 1;
        const s3Location = { bucket: 'revisions', key: `new-${made}.zip`, bundleType: 'zip' as const };
        return admin.call('CreateDeployment', {
          ...APPLICATION,
          // No hosts are in it, so that the deployment is over at once.
          deploymentGroupName: `group-${made}`,
          revision: { revisionType: 'S3', s3Location },
        });
      },
    ],
  ];
}

function clientOf(server: ControlServer): ManagementClient {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  return managementClient(server.url, { accessKeyId, secretAccessKey });
}

async function timesOf(rounds: number, ask: () => Promise<unknown>): Promise<readonly number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const beganMs = performance.now();
    await ask();
    times.push(performance.now() - beganMs);
  }
  return times;
}

async function countDeployments(location: StoreLocation): Promise<number> {
  const store = await openStore(location);
  try {
    const row = await store.db
      .selectFrom('deployments')
      .select((eb) => eb.fn.countAll().as('count'))
      .executeTakeFirstOrThrow();
    return Number(row.count);
  } finally {
    await store.close();
  }
}

function figure(name: string, value: number, goal: number | null): Figure {
  return { name, value, unit: 'ms', floor: null, ratio: null, goal };
}
