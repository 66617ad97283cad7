/** Every page of the console, one after another, for scenarios of what holds on all of them. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { APPLICATION, GROUP, type Ground, HOSTS } from './ground.ts';
import { newestRevision } from './revision-scenarios.ts';

/** For a page that is laid out for another width of the screen. */
const SETTLED_WITHIN_MS = 5_000;

/** Addresses below `/console/`. A failed deployment and a revision are there. */
export async function pathsOfPages(ground: Ground): Promise<readonly string[]> {
  const { deployments: [id = ''] = [] } = await ground.client.call('ListDeployments', {
    includeOnlyStatuses: ['Failed'],
  });
  return [
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
}

/** Goes to a page, and waits until it has all that it shows. */
export async function openWhole(page: Page, address: string): Promise<void> {
  await page.goto(address, { waitUntil: 'load' });
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page
    .getByText(/^Loading/)
    .first()
    .waitFor({ state: 'hidden' });
}

/** Names a page as a picture's file or a message has it. */
export function nameOfPage(path: string): string {
  return path.replace(/\?.*$/, '').replaceAll('/', '-') || 'dashboard';
}

export async function widthOf(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth'));
}

/** Waits some seconds for a page to fit: after a change of the screen it is laid out anew. @returns its width in pixels */
export async function settledWidthOf(page: Page, most: number): Promise<number> {
  const giveUpAt = performance.now() + SETTLED_WITHIN_MS;
  let width = await widthOf(page);
  while (width > most && performance.now() < giveUpAt) {
    await delay(50);
    width = await widthOf(page);
  }
  return width;
}
