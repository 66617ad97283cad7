/** Scenarios of revisions: what is inside, where they ran, and what is not as before. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from './expect.ts';
import { APPLICATION, GROUP, type Ground, HOSTS } from './ground.ts';
import type { Scenario } from './scenarios.ts';

export const REVISION_SCENARIOS: readonly Scenario[] = [
  {
    name: 'the page of a revision shows its files, its AppSpec text, and the hosts that it ran on',
    async run(ground) {
      const folder = ground.revision('looked-into', 'true');
      await ground.slipway('deploy', folder, '--application', APPLICATION, '--group', GROUP);
      const { page, faults } = await ground.signedIn(
        await ground.newKey('viewer'),
        `revisions?application=${APPLICATION}`,
      );
      const known = page.getByRole('table', { name: 'Revisions', exact: true });
      await known.getByRole('link', { name: /^s3:/ }).first().click();
      const files = page.getByRole('table', { name: 'Files' });
      await files.getByText('scripts/validate.sh').waitFor();
      await files.getByText('0755').first().waitFor();
      const appSpec = await page.getByRole('region', { name: 'AppSpec', exact: true }).textContent();
      expect(appSpec?.includes('ValidateService') === true, `the AppSpec is ${appSpec}`);
      await page.getByRole('table', { name: 'Where it ran' }).getByRole('link', { name: HOSTS[0] }).first().waitFor();
      expect(faults.length === 0, faults.join('\n'));
    },
  },
  {
    name: 'the page of a revision shows what is not as it was in a group',
    async run(ground) {
      const folder = ground.revision('other', 'echo "another one"');
      await ground.slipway('push', folder, '--application', APPLICATION);
      const { page } = await ground.signedIn(ground.admin, await newestRevision(ground));
      await page.getByRole('button', { name: 'Compare with group' }).click();
      await page.getByRole('option', { name: GROUP, exact: true }).click();
      const changes = page.getByRole('table', { name: 'Files that are not as before' });
      await changes.getByText('index.html').waitFor();
      await changes.getByText('other content').first().waitFor();
      expect(page.url().includes(`group=${GROUP}`), `the address has no group: ${page.url()}`);
    },
  },
  {
    name: 'names of files in a revision stay words',
    async run(ground) {
      const folder = ground.revision('evil', 'true');
      const name = '<img src=x onerror="window.stolen=1">.txt';
      writeFileSync(join(folder, name), 'x');
      await ground.slipway('push', folder, '--application', APPLICATION);
      const { page } = await ground.signedIn(ground.admin, await newestRevision(ground));
      await page.getByRole('table', { name: 'Files' }).getByText(name).waitFor();
      expect((await page.evaluate('"stolen" in window')) === false, 'a name of a file ran as a program');
    },
  },
  {
    name: 'a revision of a git repository says that it cannot be looked into',
    async run(ground) {
      const revision = {
        revisionType: 'GitHub',
        gitHubLocation: { repository: 'a/b', commitId: '0'.repeat(40) },
      } as const;
      await ground.client.call('RegisterApplicationRevision', { applicationName: APPLICATION, revision });
      const at = encodeURIComponent(JSON.stringify(revision));
      const { page } = await ground.signedIn(ground.admin, `revision?application=${APPLICATION}&at=${at}`);
      await page.getByText('The server does not look into revisions of git repositories').waitFor();
    },
  },
];

/** Address of the page of the revision that was registered last. */
export async function newestRevision({ client }: Ground): Promise<string> {
  const { revisions = [] } = await client.call('ListApplicationRevisions', {
    ...{ applicationName: APPLICATION, sortBy: 'registerTime', sortOrder: 'descending' },
  });
  return `revision?application=${APPLICATION}&at=${encodeURIComponent(JSON.stringify(revisions[0]))}`;
}
