/** Pictures of the main pages for the docs, from the server that the scenarios have worked on. */
import { join } from 'node:path';
import { APPLICATION, GROUP, type Ground, signIn } from './ground.ts';
import { deploymentOf } from './steps.ts';

/** @param folder that the pictures go to */
export async function takeScreenshots(ground: Ground, folder: string): Promise<readonly string[]> {
  const id = await failUsually(ground);
  const pictures = [
    { name: 'dashboard', path: '', table: 'Failed last', colorScheme: 'light', height: 900 },
    { name: 'deployment', path: `deployments/${id}`, table: /^Events of/, colorScheme: 'light', height: 1950 },
    {
      name: 'group-dark',
      path: `applications/${APPLICATION}/${GROUP}`,
      table: 'Newest deployments',
      colorScheme: 'dark',
      height: 900,
    },
  ] as const;
  for (const { name, path, table, colorScheme, height } of pictures) {
    const { page } = await ground.visit({ colorScheme, viewport: { width: 1280, height } });
    await signIn(page, ground.server.url, ground.admin, path);
    await page.getByRole('table', { name: table }).getByRole('row').nth(1).waitFor();
    await page
      .getByText(/^Loading/)
      .first()
      .waitFor({ state: 'hidden' });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
  return pictures.map(({ name }) => `${name}.png`);
}

/** A deployment that fails as most do: the new version does not answer. */
async function failUsually(ground: Ground): Promise<string> {
  const script = [
    'echo "waiting for http://127.0.0.1:8080/health"',
    'for try in 1 2 3; do echo "try $try: connection refused"; sleep 0.2; done',
    'echo "the new version does not answer; see journalctl -u hello-site" >&2',
    'exit 1',
  ].join('\n');
  const folder = ground.revision('hello-site-2.4.1', script);
  return deploymentOf(await ground.slipway('deploy', folder, '--application', APPLICATION, '--group', GROUP));
}
