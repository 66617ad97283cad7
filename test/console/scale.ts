/** Scenarios of large fleets: a deployment to 1 000 hosts as it runs, and lists of 10 000 hosts and 100 000 deployments. */
import { DatabaseSync } from 'node:sqlite';
import type { CDPSession, Page } from 'playwright-core';
import { databaseFileOf } from '../../src/server/store/store.ts';
import { startFleet } from '../bench-server/fleet.ts';
import { prepareGround } from '../bench-server/ground.ts';
import { FLEET_TAG } from '../bench-server/seed.ts';
import { type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import { type ControlServer, startControlServer } from '../support/slipway.ts';
import { expect } from './expect.ts';
import { type Ground, signIn } from './ground.ts';
import { fillMany } from './many-resources.ts';
import { type Figures, openSignIn, SIGN_IN, SIGN_IN_TIMES } from './measures.ts';
import type { Scenario } from './scenarios.ts';
import { waitForEnd } from './steps.ts';
import { bestInTurn, expectInTime } from './yardstick.ts';

const TARGETS = 1_000;
/** How long a busy machine may take for a step of the deployment. */
const PATIENCE_MS = 300_000;
const MOST_UPDATES = 4;
const MOST_CPU_SHARE = 0.5;
const MOST_SEARCH_MS = 100;
const MOST_LIST_MS = 1_000;
const MANY = { hosts: 10_000, deployments: 100_000, revisions: 40_000 };
/** A name, a tag, a revision, an id, and a text that nothing has. */
const TEXTS = ['web-99', 'rack-42', 'build-39999', 'd-100049', 'nothing of this name'];
const LISTS = [
  ['Hosts', 'hosts', /^web-/],
  ['Deployments', 'deployments', /^d-/],
] as const;
/** Looks at every row that a search may find. */
const SCANNED = [
  'select count(*) from instances where instance_name like ?',
  'select count(*) from instance_tags where tag_value like ?',
  'select count(*) from revisions where location_json like ?',
  'select count(*) from deployments where deployment_id like ?',
];
/** A search takes no longer than so many looks at every row: it finds, sorts and answers over HTTP besides. */
const SCAN_TIMES = 6;
/** The machine does other things at the same time; the best of some tries is what the console takes. */
const TRIES = 12;

export function largeScenarios(figures: Figures): readonly Scenario[] {
  return [
    {
      name: 'a deployment to 1 000 hosts is followed smoothly to its end',
      run: (ground) => followLarge(ground, figures),
    },
    {
      name: 'among 150 000 resources a search answers within 100 ms, and a list within a second',
      run: (ground) => lookThroughMany(ground, figures),
    },
  ];
}

/** Notes long tasks, and when the rows of the targets change. Runs in the page. */
const WATCH = `(() => {
  const seen = window.seen = { longestMs: 0, updates: [] };
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) seen.longestMs = Math.max(seen.longestMs, duration);
  }).observe({ type: 'longtask' });
  // Changes that are drawn together are one.
  let isNoted = false;
  new MutationObserver(() => {
    if (isNoted) return;
    isNoted = true;
    requestAnimationFrame(() => { isNoted = false; });
    seen.updates.push(performance.now());
  }).observe(document.querySelector('table[aria-label="Targets"], [aria-label="Targets"] table, [aria-label="Targets"]'),
    { subtree: true, childList: true, characterData: true });
})()`;

async function followLarge({ visit }: Ground, figures: Figures): Promise<void> {
  await using large = await prepareGround({ hosts: TARGETS, https: false, postgres: null, profileDir: null });
  await using _fleet = await startFleet(large.wire, large.hosts);
  const key = keyOf(large.server);
  const client = managementClient(large.server.url, key);
  const { page } = await visit();
  await signIn(page, large.server.url, key, 'deployments');
  const id = await deployToFleet(client);
  await page.goto(`${large.server.url}/console/deployments/${id}`);
  // The hosts take their first commands now, all at once.
  await page
    .getByRole('table', { name: 'Targets', exact: true })
    .getByText('host-')
    .first()
    .waitFor({ timeout: PATIENCE_MS });
  await page.evaluate(WATCH);
  const session = await page.context().newCDPSession(page);
  const before = await cpuOf(session);
  const beganMs = performance.now();
  await waitForEnd(page, 'Succeeded', PATIENCE_MS);
  const tookMs = performance.now() - beganMs;
  const cpuMs = (await cpuOf(session)) - before;
  const seen = (await page.evaluate('window.seen')) as { longestMs: number; updates: readonly number[] };
  figures.pageCpuShare = Math.round((cpuMs / tookMs) * 100) / 100;
  figures.updatesPerSecond = Math.round((seen.updates.length / tookMs) * 10_000) / 10;
  figures.longestTaskMs = Math.round(seen.longestMs);
  expect(seen.updates.length > 0, 'the rows have not changed while the deployment ran');
  expect(figures.updatesPerSecond <= MOST_UPDATES, `the rows changed ${figures.updatesPerSecond} times a second`);
  expect(figures.pageCpuShare <= MOST_CPU_SHARE, `the page took ${figures.pageCpuShare} of a core`);
  await lookAtTheLast(page, large.server.url, id);
}

/** The last page of the targets, and a target of it by its address. */
async function lookAtTheLast(page: Page, url: string, id: string): Promise<void> {
  await page.getByRole('button', { name: `Page ${TARGETS / 50}` }).click();
  const last = page.getByRole('table', { name: 'Targets', exact: true }).getByText('host-').last();
  await last.waitFor();
  const rows = await page.getByRole('table', { name: 'Targets', exact: true }).getByRole('row').count();
  expect(rows <= 51, `the table has ${rows} rows`);
  const name = (await last.textContent()) ?? '';
  await page.goto(`${url}/console/deployments/${id}?target=${name}`);
  await page.getByRole('table', { name: `Events of ${name}` }).waitFor();
}

async function deployToFleet(client: ReturnType<typeof managementClient>): Promise<string> {
  const group = { applicationName: 'app', deploymentGroupName: 'fleet' };
  await client.call('CreateApplication', { applicationName: group.applicationName });
  await client.call('CreateDeploymentGroup', {
    ...{ ...group, serviceRoleArn: 'arn:aws:iam::000000000000:role/any' },
    deploymentConfigName: 'CodeDeployDefault.HalfAtATime',
    onPremisesInstanceTagFilters: [{ ...FLEET_TAG, Type: 'KEY_AND_VALUE' }],
  });
  const s3Location = { bucket: 'revisions', key: 'bench.zip', bundleType: 'zip' as const };
  const made = await client.call('CreateDeployment', { ...group, revision: { revisionType: 'S3', s3Location } });
  return made.deploymentId ?? '';
}

/** Processor time of the page's main thread so far, in milliseconds. */
async function cpuOf(session: CDPSession): Promise<number> {
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const { metrics } = await session.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1_000;
}

async function lookThroughMany({ scratch, visit }: Ground, figures: Figures): Promise<void> {
  await fillMany({ dataDir: scratch.at('many') }, MANY);
  await using server = await startControlServer(scratch.at('many'));
  const key = keyOf(server);
  await searchMany(server, key, figures);
  const { page } = await visit();
  await signIn(page, server.url, key, 'hosts');
  const { page: stranger } = await visit();
  figures.longListMs = 0;
  for (const [title, path, name] of LISTS) {
    const [ms, signInMs] = await bestInTurn(
      TRIES,
      () => openList(page, `${server.url}/console/${path}`, title, name),
      () => openSignIn(stranger, server.url),
    );
    figures.longListMs = Math.max(figures.longListMs, Math.round(ms));
    const beside = { what: SIGN_IN, ms: signInMs, times: SIGN_IN_TIMES };
    expectInTime({ what: `the list ${title}`, ms, goalMs: MOST_LIST_MS, beside });
  }
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByRole('button', { name: 'Page 2' }).and(page.locator('[aria-current="true"]')).waitFor();
  await readsOneHost(page, server.url);
}

/** The yardstick of a search is a plain look at every row that it may find, by the database's own means. */
async function searchMany(server: ControlServer, key: KeyPair, figures: Figures): Promise<void> {
  const client = managementClient(server.url, key);
  using database = new DatabaseSync(databaseFileOf(server.dataDir), { readOnly: true });
  const scans = SCANNED.map((sql) => database.prepare(sql));
  figures.searchMs = 0;
  for (const text of TEXTS) {
    const search = async () => {
      const { resources } = await client.call('SearchResources', { text });
      expect(resources.length > 0 || text.startsWith('nothing'), `${text} is not found`);
    };
    const [ms, scanMs] = await bestInTurn(TRIES, search, async () => {
      for (const scan of scans) scan.get(`%${text}%`);
    });
    figures.searchMs = Math.max(figures.searchMs, Math.round(ms));
    const beside = { what: 'a look at every row', ms: scanMs, times: SCAN_TIMES };
    expectInTime({ what: `a search for ${text}`, ms, goalMs: MOST_SEARCH_MS, beside });
  }
}

async function openList(page: Page, address: string, table: string, name: RegExp): Promise<void> {
  await page.goto(address, { waitUntil: 'commit' });
  await page.getByRole('table', { name: table, exact: true }).getByRole('link', { name }).first().waitFor();
}

/** The page of a host asks for this host alone. */
async function readsOneHost(page: Page, url: string): Promise<void> {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/DescribeHosts')) asked.push(request.postData() ?? '');
  });
  await page.goto(`${url}/console/hosts/web-4242`);
  await page.getByText('Rack=rack-71').waitFor();
  expect(asked.length === 1, `the page of one host has asked for hosts ${asked.length} times: ${asked.join(' ')}`);
}

function keyOf({ env }: ControlServer): KeyPair {
  return { accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '', secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '' };
}
