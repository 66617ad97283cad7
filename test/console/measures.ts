/** Figures of the console: what the first load brings, how soon the dashboard can be used, and what axe finds on each page. */
import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { nameOfPage, openWhole, pathsOfPages, settledWidthOf } from './every-page.ts';
import { expect } from './expect.ts';
import { type Ground, signIn } from './ground.ts';
import type { Scenario } from './scenarios.ts';
import { bestInTurn, expectInTime } from './yardstick.ts';

const MOST_BYTES = 500 * 1024;
const MOST_MS = 1_000;
/** The machine does other things at the same time; the best of some loads is what the console takes. */
const LOADS = 5;
/** Width of a phone's screen, in pixels. */
export const PHONE = 360;
export const SIGN_IN = 'the sign-in page';
/** A page with fifty rows of a large list took 4.5 sign-in pages, where some twenty processes waited for the two cores. */
export const SIGN_IN_TIMES = 6;

export interface Figures {
  /** Bytes that the first load brings, compressed as they come. */
  firstLoadBytes: number | null;
  /** From the address to a dashboard with its numbers, signed in, in milliseconds: the best of some loads. */
  dashboardMs: number | null;
  /** A search among a hundred thousand resources, in milliseconds: the slowest of some, each the best of some tries. */
  searchMs: number | null;
  /** From the address of a list of 10 000 hosts, or of 100 000 deployments, to its rows, in milliseconds. The slower list, at its best. */
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
        expect(figures.firstLoadBytes <= MOST_BYTES, `the first load brings ${figures.firstLoadBytes} bytes`);
        await signIn(page, ground.server.url, ground.admin);
        const { page: stranger } = await ground.visit();
        const [ms, signInMs] = await bestInTurn(
          LOADS,
          () => openDashboard(page, ground.server.url),
          () => openSignIn(stranger, ground.server.url),
        );
        figures.dashboardMs = Math.round(ms);
        const beside = { what: SIGN_IN, ms: signInMs, times: SIGN_IN_TIMES };
        expectInTime({ what: 'the dashboard', ms, goalMs: MOST_MS, beside });
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

async function openDashboard(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/console/`, { waitUntil: 'commit' });
  await page.getByRole('table', { name: 'Failed last' }).getByRole('link', { name: /^d-/ }).first().waitFor();
}

/** Loads the program, and asks the server for next to nothing: the yardstick of pages. @param page has no session */
export async function openSignIn(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/console/`, { waitUntil: 'commit' });
  await page.getByLabel('Access key ID').waitFor();
}

async function lookAtPages(ground: Ground, colorScheme: 'light' | 'dark', figures: Figures): Promise<void> {
  // Without motion: a colour that is on its way to another one is none to judge by.
  const { page } = await ground.visit({ colorScheme, reducedMotion: 'reduce' });
  await page.goto(`${ground.server.url}/console/`);
  await page.getByLabel('Access key ID').waitFor();
  const found = await violationsOn(page, 'sign-in', figures);
  await signIn(page, ground.server.url, ground.admin);
  for (const path of await pathsOfPages(ground)) {
    await openWhole(page, `${ground.server.url}/console/${path}`);
    found.push(...(await violationsOn(page, nameOfPage(path), figures)));
  }
  expect(found.length === 0, found.join('\n'));
}

/** A drawing in both themes, and on a phone's screen. */
export async function lookAtDrawing(page: Page, name: string, figures: Figures): Promise<void> {
  const found: string[] = [];
  const size = page.viewportSize();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    found.push(...(await violationsOn(page, `${name}, ${colorScheme}`, figures)));
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: PHONE, height: 740 });
  const width = await settledWidthOf(page, PHONE);
  if (width > PHONE) found.push(`${name} is ${width} px wide on a screen of ${PHONE} px`);
  if (size !== null) await page.setViewportSize(size);
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
