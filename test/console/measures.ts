/** Figures of the console: what the first load brings, how soon the dashboard can be used, and what axe finds on each page. */
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from './expect.ts';
import { APPLICATION, GROUP, type Ground, HOSTS, signIn } from './ground.ts';
import { newestRevision } from './revision-scenarios.ts';
import type { Scenario } from './scenarios.ts';

const MOST_BYTES = 500 * 1024;
const MOST_MS = 1_000;
/** The machine does other things at the same time; the best of some loads is what the console takes. */
const LOADS = 5;

export interface Figures {
  /** Bytes that the first load brings, compressed as they come. */
  firstLoadBytes: number | null;
  /** From the address to a dashboard with its numbers, signed in, in milliseconds: the best of some loads. */
  dashboardMs: number | null;
  /** A search among a hundred thousand resources, in milliseconds: the slowest of some, each the best of some tries. */
  searchMs: number | null;
  /** From the address of a list of 10 000 hosts, or of 100 000 deployments, to its rows, in milliseconds: the slower one, the best of some loads. */
  longListMs: number | null;
  /** Part of a core's time that the page takes while a deployment to 1 000 hosts is under way. */
  pageCpuShare: number | null;
  /** How often the table of targets changes meanwhile, in a second. */
  updatesPerSecond: number | null;
  /** The longest task of the page meanwhile, in milliseconds; 0: none took 50. */
  longestTaskMs: number | null;
  /** Pages that axe has looked at. */
  pagesLookedAt: number;
}

export function measuringScenarios(figures: Figures): readonly Scenario[] {
  return [
    {
      name: 'the first load is small, and the dashboard is there within a second',
      async run(ground) {
        const { page } = await ground.visit();
        figures.firstLoadBytes = await bytesOfLoad(page, `${ground.server.url}/console/`);
        await signIn(page, ground.server.url, ground.admin);
        const times: number[] = [];
        for (let load = 0; load < LOADS; load += 1) times.push(await timeOfDashboard(page, ground));
        figures.dashboardMs = Math.round(Math.min(...times));
        expect(figures.firstLoadBytes <= MOST_BYTES, `the first load brings ${figures.firstLoadBytes} bytes`);
        expect(figures.dashboardMs <= MOST_MS, `the dashboard takes ${times.map(Math.round).join(', ')} ms`);
      },
    },
    ...(['light', 'dark'] as const).map((colorScheme) => ({
      name: `axe finds nothing on any page, ${colorScheme}`,
      run: (ground: Ground) => lookAtPages(ground, colorScheme, figures),
    })),
  ];
}

async function bytesOfLoad(page: Page, url: string): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.goto(url, { waitUntil: 'networkidle' });
  await session.detach();
  return bytes;
}

async function timeOfDashboard(page: Page, ground: Ground): Promise<number> {
  const from = performance.now();
  await page.goto(`${ground.server.url}/console/`, { waitUntil: 'commit' });
  await page.getByRole('table', { name: 'Failed last' }).getByRole('link', { name: /^d-/ }).first().waitFor();
  return performance.now() - from;
}

async function lookAtPages(ground: Ground, colorScheme: 'light' | 'dark', figures: Figures): Promise<void> {
  // Without motion: a colour that is on its way to another one is none to judge by.
  const { page } = await ground.visit({ colorScheme, reducedMotion: 'reduce' });
  await page.goto(`${ground.server.url}/console/`);
  await page.getByLabel('Access key ID').waitFor();
  const found = await violationsOn(page, 'sign-in', figures);
  await signIn(page, ground.server.url, ground.admin);
  const { deployments: [id = ''] = [] } = await ground.client.call('ListDeployments', {
    includeOnlyStatuses: ['Failed'],
  });
  const paths = [
    '',
    'deployments',
    `deployments/${id}`,
    'applications',
    `applications/${APPLICATION}`,
    `applications/${APPLICATION}/${GROUP}`,
    `new-group/${APPLICATION}`,
    `edit-group/${APPLICATION}/${GROUP}`,
    'configs',
    'settings',
    'hosts',
    `hosts/${HOSTS[0]}`,
    'revisions',
    await newestRevision(ground),
    'keys',
    'audit',
    'no-such-page',
  ];
  for (const path of paths) {
    await page.goto(`${ground.server.url}/console/${path}`, { waitUntil: 'load' });
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page
      .getByText(/^Loading/)
      .first()
      .waitFor({ state: 'hidden' });
    found.push(...(await violationsOn(page, path, figures)));
  }
  expect(found.length === 0, found.join('\n'));
}

export async function violationsOn(page: Page, name: string, figures: Figures): Promise<string[]> {
  figures.pagesLookedAt += 1;
  await page.evaluate(axe.source);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  const options = JSON.stringify({ runOnly: { type: 'tag', values: tags } });
  // A text, because what runs in the page has other types than this program.
  const { violations } = (await page.evaluate(`axe.run(document, ${options})`)) as AxeResults;
  return violations.map(
    ({ id, help, nodes }) => `${name}: ${id}, ${help}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}
