/** Cost of the report about a large fleet: all its pages, the slowest of them, and how long others wait meanwhile. */
import type { ManagementClient } from '../../src/protocol/management/client.ts';
import type { StoreLocation } from '../../src/server/store/store.ts';
import { type Figure, median } from '../bench/figures.ts';
import { managementClient } from '../support/hand-driven-host.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startControlServer } from '../support/slipway.ts';
import { builtServer } from './built-server.ts';
import { FLEET_GROUP, fillFleet, hostNameOf } from './fill-fleet.ts';
import { UNLIMITED } from './ground.ts';

const DEPLOYMENTS = 20;
const PAGE_GOAL_MS = 50;

export interface ReportRequest {
  readonly hosts: number;
  /** null: SQLite. */
  readonly postgres: PostgresCluster | null;
}

type Listing = 'ListRevisionHistory' | 'ListHostHistory' | 'ListHostRevisions';

export async function* reportFigures({ hosts, postgres }: ReportRequest): AsyncGenerator<Figure> {
  using scratch = scratchFolder();
  const dataDir = scratch.at('data');
  const databaseUrl = await postgres?.createDatabase();
  const location: StoreLocation = databaseUrl === undefined ? { dataDir } : { databaseUrl };
  const args = [...(databaseUrl === undefined ? [] : ['--database', databaseUrl]), ...UNLIMITED];
  await using server = await startControlServer(dataDir, undefined, args, {}, await builtServer(scratch));
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  await fillFleet(location, { hosts, deployments: DEPLOYMENTS, nowMs: Date.now(), actor: accessKeyId });
  const [admin, other] = [0, 1].map(() => managementClient(server.url, { accessKeyId, secretAccessKey }));
  if (admin === undefined || other === undefined) return;
  const on = databaseUrl === undefined ? 'SQLite' : 'PostgreSQL';
  const instanceName = hostNameOf(hosts >> 1);
  const parts: readonly (readonly [what: string, operation: Listing, input: object])[] = [
    [`what ${hosts} hosts have now`, 'ListHostRevisions', FLEET_GROUP],
    [`${DEPLOYMENTS} deployments to ${hosts} hosts, by host`, 'ListHostHistory', FLEET_GROUP],
    [`${DEPLOYMENTS} deployments to ${hosts} hosts, by revision`, 'ListRevisionHistory', FLEET_GROUP],
    ['the history of one host', 'ListHostHistory', { instanceName }],
  ];
  for (const [what, operation, input] of parts) {
    const { pages, others } = await timesOf(admin, other, operation, input);
    const name = `report on ${on}: ${what}`;
    const total = pages.reduce((sum, ms) => sum + ms, 0);
    yield { name: `${name}, ${pages.length} pages`, value: total, unit: 'ms', floor: null, ratio: null, goal: null };
    const figure = (of: string, value: number, goal: number | null): Figure => ({
      ...{ name: `${name}, ${of}`, value, unit: 'ms', floor: null, ratio: null, goal },
    });
    yield figure('a page, median', median(pages), PAGE_GOAL_MS);
    yield figure('slowest answer to another request meanwhile', Math.max(...others), PAGE_GOAL_MS);
  }
}

async function timesOf(admin: ManagementClient, other: ManagementClient, operation: Listing, input: object) {
  const [pages, others]: [number[], number[]] = [[], []];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) others.push(await timeOf(() => other.call('DescribeServer', {})));
  })();
  for (let nextToken: string | undefined, isFirst = true; isFirst || nextToken !== undefined; isFirst = false) {
    const after = nextToken === undefined ? {} : { nextToken };
    const ask = async () => {
      nextToken = (await admin.call(operation, { ...input, ...after })).nextToken;
    };
    pages.push(await timeOf(ask));
  }
  isOver = true;
  await asking;
  return { pages, others };
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const beganMs = performance.now();
  await work();
  return performance.now() - beganMs;
}
