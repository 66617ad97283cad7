/** Scenarios of screens: from a phone's to one of 4K, no page is wider than its screen, and the keyboard alone suffices. */
import type { Page } from 'playwright-core';
import { nameOfPage, openWhole, pathsOfPages, widthOf } from './every-page.ts';
import { expect } from './expect.ts';
import { APPLICATION, type Ground, HOSTS, signIn } from './ground.ts';
import { PHONE } from './measures.ts';
import type { Scenario } from './scenarios.ts';

const SCREENS = [
  { width: PHONE, height: 740 },
  { width: 768, height: 1024 },
  { width: 3840, height: 2160 },
] as const;

/** More than any page has places for the focus before those that the scenarios look for. */
const MOST_TABS = 120;

export const ON_EVERY_SCREEN: readonly Scenario[] = [
  ...SCREENS.map(
    (viewport): Scenario => ({
      name: `no page is wider than a screen of ${viewport.width} px`,
      run: (ground) => lookAtScreen(ground, viewport),
    }),
  ),
  {
    name: 'a target is chosen, and its events are read, by the keyboard alone',
    async run(ground) {
      const id = await failedDeployment(ground);
      const { page } = await ground.signedIn(ground.admin, `deployments/${id}`);
      const radio = page.getByRole('radio', { name: `Show the events of ${HOSTS[0]}` });
      await radio.waitFor();
      await radio.focus();
      await page.keyboard.press('Space');
      await page.getByRole('table', { name: `Events of ${HOSTS[0]}` }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.waitForURL(new RegExp(`target=${HOSTS[1]}`));
      await page.getByRole('table', { name: `Events of ${HOSTS[1]}` }).waitFor();
    },
  },
  {
    name: 'a person signs in, finds a page and signs out by the keyboard alone',
    async run(ground) {
      const { page } = await ground.visit();
      await page.goto(`${ground.server.url}/console/`);
      await page.getByLabel('Access key ID').waitFor();
      await tabTo(page, 'Access key ID');
      await page.keyboard.type(ground.admin.accessKeyId);
      await tabTo(page, 'Secret access key');
      await page.keyboard.type(ground.admin.secretAccessKey);
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
      await tabTo(page, 'Configurations');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 1, name: 'Deployment configurations' }).waitFor();
      const menu = page.getByRole('button', { name: ground.admin.accessKeyId });
      await menu.focus();
      await page.keyboard.press('Enter');
      await page.getByRole('menuitem', { name: 'Sign out', exact: true }).waitFor();
      await page.keyboard.press('Enter');
      await page.getByText('You have signed out').waitFor();
    },
  },
  {
    name: 'a dialog that the keyboard has opened takes the focus, ends with Escape, and gives the focus back',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin, `applications/${APPLICATION}`);
      const button = page.getByRole('button', { name: 'Rename', exact: true });
      await button.waitFor();
      await tabTo(page, 'Rename');
      await page.keyboard.press('Enter');
      const dialog = page.getByRole('dialog');
      await dialog.waitFor();
      const isInside = () => page.evaluate(`document.querySelector('[role=dialog]').matches(':focus-within')`);
      for (let presses = 0; presses < 8; presses += 1) {
        await page.keyboard.press('Tab');
        expect((await isInside()) === true, `after ${presses + 1} times Tab the focus has left the dialog`);
      }
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      await page.locator('button:focus').waitFor();
      expect((await focused(page)) === 'Rename', `the focus is at ${await focused(page)}`);
    },
  },
];

async function lookAtScreen(ground: Ground, viewport: { width: number; height: number }): Promise<void> {
  const { page } = await ground.visit({ viewport, reducedMotion: 'reduce' });
  const wide: string[] = [];
  const look = async (name: string) => {
    const width = await widthOf(page);
    if (width > viewport.width) wide.push(`${name} is ${width} px wide`);
    await ground.picture(page, `screens/${viewport.width}-${name}`, viewport);
  };
  await page.goto(`${ground.server.url}/console/`);
  await page.getByLabel('Access key ID').waitFor();
  await look('sign-in');
  await signIn(page, ground.server.url, ground.admin);
  for (const path of await pathsOfPages(ground)) {
    await openWhole(page, `${ground.server.url}/console/${path}`);
    await look(nameOfPage(path));
  }
  expect(wide.length === 0, wide.join('; '));
}

/** Presses Tab until the focus is at a thing of this name. @throws Error when it does not come there */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < MOST_TABS; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)).includes(name)) return;
  }
  throw new Error(`${MOST_TABS} times Tab do not lead to ${name}, but to ${await focused(page)}`);
}

/** Name of the thing that has the focus, as a person hears it; empty: nothing has it. */
async function focused(page: Page): Promise<string> {
  return String(
    await page.evaluate(
      `(({ activeElement: at, body }) => at === body ? '' : at.getAttribute('aria-label') ??
        [...(at.labels ?? [])].map((one) => one.textContent).concat(at.textContent).join(' ').trim())(document)`,
    ),
  );
}

async function failedDeployment({ client }: Ground): Promise<string> {
  const { deployments: [id = ''] = [] } = await client.call('ListDeployments', { includeOnlyStatuses: ['Failed'] });
  return id;
}
