/** Scenarios of screens: from a phone's to one of 4K, no page is wider than its screen, and the keyboard alone suffices. */
import type { Page } from 'playwright-core';
import { expect } from './expect.ts';
import { APPLICATION, GROUP, type Ground, HOSTS, signIn } from './ground.ts';
import type { Scenario } from './scenarios.ts';

const SCREENS = [
  { width: 360, height: 740 },
  { width: 768, height: 1024 },
  { width: 3840, height: 2160 },
] as const;

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
];

async function lookAtScreen(ground: Ground, viewport: { width: number; height: number }): Promise<void> {
  const { page } = await ground.visit({ viewport, reducedMotion: 'reduce' });
  await signIn(page, ground.server.url, ground.admin);
  const paths = [
    '',
    'deployments',
    `deployments/${await failedDeployment(ground)}`,
    'applications',
    `applications/${APPLICATION}`,
    `applications/${APPLICATION}/${GROUP}`,
    'hosts',
    `hosts/${HOSTS[0]}`,
    'revisions',
    'keys',
    'audit',
  ];
  const wide: string[] = [];
  for (const path of paths) {
    await page.goto(`${ground.server.url}/console/${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page
      .getByText(/^Loading/)
      .first()
      .waitFor({ state: 'hidden' });
    const width = await widthOf(page);
    if (width > viewport.width) wide.push(`${path || 'the dashboard'} is ${width} px wide`);
    await ground.picture(page, `screens/${viewport.width}-${path.replaceAll('/', '-') || 'dashboard'}`, viewport);
  }
  expect(wide.length === 0, wide.join('; '));
}

async function widthOf(page: Page): Promise<number> {
  return Number(await page.evaluate('document.documentElement.scrollWidth'));
}

async function failedDeployment({ client }: Ground): Promise<string> {
  const { deployments: [id = ''] = [] } = await client.call('ListDeployments', { includeOnlyStatuses: ['Failed'] });
  return id;
}
