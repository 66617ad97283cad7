/** Scenarios of people with the console, one after another: each goes on from where the one before has left the server. */
import { writeFileSync } from 'node:fs';
import { expect } from './expect.ts';
import { APPLICATION, GROUP, type Ground, HOSTS, signIn, type Visit } from './ground.ts';
import { deploymentOf, waitForEnd } from './steps.ts';

export interface Scenario {
  readonly name: string;
  run(ground: Ground): Promise<void>;
}

/** Output of a script that would be a program, if anybody took it for one. */
const EVIL = '<img src=x onerror="window.stolen=1"><script>window.stolen=1</script>';

export const BEFORE_HOSTS: readonly Scenario[] = [
  {
    name: 'a wrong secret is refused in words, and the right one signs in',
    async run(ground) {
      const { page } = await ground.visit();
      await page.goto(`${ground.server.url}/console/`);
      await page.getByLabel('Access key ID').fill(ground.admin.accessKeyId);
      await page.getByLabel('Secret access key').fill('not the secret');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByText('the signature does not match').waitFor();
      await signIn(page, ground.server.url, ground.admin);
      await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
      const kept = String(
        await page.evaluate('JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])'),
      );
      expect(!kept.includes(ground.admin.secretAccessKey), 'the browser keeps the secret');
      expect(!kept.includes('slipway-console'), 'programs of the page can read the cookie');
    },
  },
  {
    name: 'the address of slipway console signs in once',
    async run(ground) {
      const address = (await ground.slipway('console')).trim();
      const { page } = await ground.visit();
      await page.goto(address);
      await page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
      expect(!page.url().includes('#'), `the address still has the sign-in: ${page.url()}`);
      const second = await ground.visit();
      await second.page.goto(address);
      await second.page.getByRole('button', { name: 'Sign in', exact: true }).click();
      await second.page.getByText('This sign-in was used before').waitFor();
    },
  },
  {
    name: 'pages without entries say what to do',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin);
      await page.getByText('Nothing runs').waitFor();
      await page.getByText('slipway register --instance-name NAME').waitFor();
      await page.getByRole('link', { name: 'Applications' }).click();
      await page.getByText('slipway applications create NAME').waitFor();
      await page.getByRole('link', { name: 'Deployments' }).click();
      await page.getByText('Nothing was deployed yet').waitFor();
    },
  },
];

export const WITH_HOSTS: readonly Scenario[] = [
  {
    name: 'a deployment is started on the page of its group, and its own page follows it to the end',
    async run(ground) {
      const folder = ground.revision('first', 'echo "all is well"');
      await ground.slipway('push', folder, '--application', APPLICATION);
      const { page } = await ground.signedIn(ground.admin, `applications/${APPLICATION}/${GROUP}`);
      await page.getByRole('button', { name: 'Deploy', exact: true }).click();
      await page.getByRole('button', { name: 'Revision' }).click();
      await page.getByRole('option').first().click();
      await page.getByRole('region', { name: 'What will happen' }).getByText('2 hosts').waitFor();
      await page.getByLabel('Description').fill(EVIL);
      await page.getByRole('dialog').getByRole('button', { name: 'Deploy', exact: true }).click();
      await waitForEnd(page, 'Succeeded');
      await page.getByText('2 of 2 done').first().waitFor();
      await page.getByText(EVIL).first().waitFor();
      expect((await page.evaluate('"stolen" in window')) === false, 'a description ran as a program');
    },
  },
  {
    name: 'a failure is seen as it happens, with the words of the script, which stay words',
    async run(ground) {
      const folder = ground.revision('second', `echo '${EVIL}'; echo "it answered 503" >&2; exit 3`);
      const { page } = await ground.signedIn(ground.admin);
      await ground.slipway('deploy', folder, '--application', APPLICATION, '--group', GROUP);
      // The dashboard hears of it without being asked.
      await page.getByRole('table', { name: 'Failed last' }).getByRole('link', { name: /^d-/ }).first().click();
      await waitForEnd(page, 'Failed');
      await page
        .getByRole('table', { name: /^Events of web-/ })
        .getByText('ValidateService')
        .waitFor();
      const tail = page.getByRole('region', { name: /^Log/ });
      await tail.waitFor();
      const words = (await tail.textContent()) ?? '';
      for (const text of [EVIL, 'it answered 503'])
        expect(words.includes(text), `the log tail lacks ${text}: ${words}`);
      expect((await tail.locator('img').count()) === 0, 'the script’s words became markup');
      expect((await page.evaluate('"stolen" in window')) === false, 'a line of a log ran as a program');
    },
  },
  {
    name: 'the words of a script are seen while it runs, without colours and as words',
    async run(ground) {
      const end = ground.scratch.at('talked');
      const words = `echo '${EVIL}'; printf '\\033[31mred\\033[0m\\n'; echo "still at it"`;
      const waiting = `while [ ! -e '${end}' ]; do sleep 0.1; done`;
      const folder = ground.revision('talking', `${words}; ${waiting}; echo "now it ends"`);
      const flags = ['--application', APPLICATION, '--group', GROUP, '--no-follow', '--json'];
      const id = deploymentOf(await ground.slipway('deploy', folder, ...flags));
      const { page } = await ground.signedIn(ground.admin, `deployments/${id}`);
      const log = page.getByRole('region', { name: 'Log', exact: true });
      await log.getByText('still at it').waitFor({ timeout: 90_000 });
      const seen = (await log.textContent()) ?? '';
      expect(!seen.includes('now it ends'), 'the end of the script was seen before it came');
      for (const text of [EVIL, '[stdout]red\n']) expect(seen.includes(text), `the log lacks ${text}: ${seen}`);
      expect((await log.locator('img').count()) === 0, 'the script’s words became markup');
      expect((await page.evaluate('"stolen" in window')) === false, 'a line of a log ran as a program');
      writeFileSync(end, '');
      await log.getByText('now it ends').waitFor();
      await waitForEnd(page, 'Succeeded');
    },
  },
  {
    name: 'a failed deployment is rolled back with two clicks',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin);
      await page.getByRole('table', { name: 'Failed last' }).getByRole('link', { name: /^d-/ }).first().click();
      await page.getByRole('button', { name: 'Roll back' }).click();
      await page.getByRole('dialog').getByText('the revision before').waitFor();
      await page.getByRole('dialog').getByRole('button', { name: 'Roll back' }).click();
      await waitForEnd(page, 'Succeeded');
    },
  },
  {
    name: 'a deployment that runs is stopped, and two browsers see the same',
    async run(ground) {
      const folder = ground.revision('slow', 'sleep 15');
      const flags = ['--application', APPLICATION, '--group', GROUP, '--no-follow', '--json'];
      const id = deploymentOf(await ground.slipway('deploy', folder, ...flags));
      const one = await ground.signedIn(ground.admin, `deployments/${id}`);
      const other = await ground.signedIn(await ground.newKey('viewer'), `deployments/${id}`);
      await other.page
        .getByRole('table', { name: 'Targets', exact: true })
        .getByText('ValidateService')
        .first()
        .waitFor();
      await one.page.getByRole('button', { name: 'Stop', exact: true }).click();
      await one.page.getByRole('dialog').getByRole('button', { name: 'Stop', exact: true }).click();
      await Promise.all([one, other].map(({ page }) => waitForEnd(page, 'Stopped')));
    },
  },
  {
    name: 'the search that / opens leads to a host by the keyboard alone',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin);
      await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
      await page.keyboard.press('/');
      await page.getByRole('dialog').locator('input:focus').waitFor();
      await page.keyboard.type('WEB-2');
      await page.getByRole('option', { name: /web-2/ }).first().waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'web-2', exact: true }).waitFor();
      expect(page.url().endsWith('/console/hosts/web-2'), `the address is ${page.url()}`);
      await page.getByRole('table', { name: 'History' }).getByRole('link', { name: /^d-/ }).first().waitFor();
    },
  },
  {
    name: 'an address leads back to its page, and so does the button of the browser',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin, `deployments?application=${APPLICATION}&status=Failed`);
      const table = page.getByRole('table', { name: 'Deployments' });
      await table.getByRole('link', { name: /^d-/ }).first().click();
      await page.getByRole('heading', { name: /^d-/ }).first().waitFor();
      await page.getByRole('table', { name: 'Targets', exact: true }).getByText('web-2').click();
      await page.waitForURL(/target=web-2/);
      await page.reload();
      await page.getByRole('table', { name: 'Events of web-2' }).waitFor();
      await page.goBack();
      await table.waitFor();
      expect(page.url().includes('status=Failed'), `the filter is lost: ${page.url()}`);
    },
  },
  {
    name: 'times are the reader’s, with UTC when they are pointed at',
    async run(ground) {
      const { page } = await ground.visit({ timezoneId: 'Pacific/Auckland' });
      await signIn(page, ground.server.url, ground.admin, 'deployments');
      const time = page.getByRole('table', { name: 'Deployments' }).locator('time').first();
      await time.waitFor();
      const [shown, title, at] = [
        await time.textContent(),
        await time.getAttribute('title'),
        await time.getAttribute('datetime'),
      ];
      const options = { dateStyle: 'medium', timeStyle: 'medium' } as const;
      const format = (timeZone: string) =>
        new Intl.DateTimeFormat('en-GB', { ...options, timeZone }).format(new Date(at ?? ''));
      expect(shown === format('Pacific/Auckland'), `it shows ${shown}`);
      expect(title === `${format('UTC')} UTC`, `its title is ${title}`);
    },
  },
  {
    name: 'a viewer sees every page, and no button that fails',
    async run(ground) {
      const visit = await ground.signedIn(await ground.newKey('viewer'));
      const { page } = visit;
      await seeAllPages(visit);
      expect(
        (await page.getByRole('link', { name: 'Audit log' }).count()) === 0,
        'the audit log is offered to a viewer',
      );
      await page.goto(`${ground.server.url}/console/applications/${APPLICATION}/${GROUP}`);
      await page
        .getByRole('table', { name: 'Newest deployments' })
        .getByRole('link', { name: /^d-/ })
        .first()
        .waitFor();
      expect(
        (await page.getByRole('button', { name: 'Deploy', exact: true }).count()) === 0,
        'a viewer is offered to deploy',
      );
      await page.getByRole('table', { name: 'Newest deployments' }).getByRole('link', { name: /^d-/ }).first().click();
      await page.getByRole('table', { name: 'Targets', exact: true }).waitFor();
      const offered = await page.getByRole('button', { name: /^(Deploy again|Roll back|Stop|Continue)/ }).count();
      expect(offered === 0, 'a viewer is offered to change a deployment');
      const refused = visit.refusals.filter((text) => text !== '401 session');
      expect(refused.length === 0, `the page asked for what a viewer may not: ${refused.join(', ')}`);
    },
  },
  {
    name: 'no page breaks its policy, or meets a fault',
    async run(ground) {
      const visit = await ground.signedIn(ground.admin);
      await seeAllPages(visit);
      await visit.page.getByRole('link', { name: 'Audit log' }).click();
      await visit.page.getByRole('table', { name: 'Audit log' }).getByText('CreateDeployment').first().waitFor();
      expect(visit.faults.length === 0, visit.faults.join('\n'));
    },
  },
  {
    name: 'a session that ends asks for a sign-in, and leads back to the page',
    async run(ground) {
      const key = await ground.newKey('operator');
      const { page } = await ground.signedIn(key, 'hosts');
      await page.getByRole('table', { name: 'Hosts' }).getByText('web-1').waitFor();
      await ground.client.call('DisableAccessKey', { accessKeyId: key.accessKeyId });
      await page.getByRole('link', { name: 'Deployments' }).click();
      await page.getByText('Your session has ended').waitFor();
      const other = await ground.newKey('operator');
      await page.getByLabel('Access key ID').fill(other.accessKeyId);
      await page.getByLabel('Secret access key').fill(other.secretAccessKey);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('table', { name: 'Deployments' }).getByRole('link', { name: /^d-/ }).first().waitFor();
    },
  },
  {
    name: 'a key is disabled on the page of keys and enabled again, and a viewer has no such page',
    async run(ground) {
      const key = await ground.newKey('operator');
      const { page } = await ground.signedIn(ground.admin, 'keys');
      await page.getByRole('button', { name: `Disable ${key.accessKeyId}` }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
      const row = page
        .getByRole('table', { name: 'Access keys' })
        .getByRole('row')
        .filter({ hasText: key.accessKeyId });
      await row.getByText('Disabled').waitFor();
      const isDisabled = async () => {
        const { accessKeys } = await ground.client.call('ListAccessKeys', {});
        return accessKeys.find((one) => one.accessKeyId === key.accessKeyId)?.disabled;
      };
      expect((await isDisabled()) === true, 'the key still has power');
      await page.getByRole('button', { name: `Enable ${key.accessKeyId}` }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Enable' }).click();
      await row.getByText('Enabled').waitFor();
      expect((await isDisabled()) === false, 'the key has no power again');
      const own = page.getByRole('button', { name: `Disable ${ground.admin.accessKeyId}` });
      expect((await own.count()) === 0, 'the page offers to disable the key that it works with');
      const viewer = await ground.signedIn(await ground.newKey('viewer'));
      expect(
        (await viewer.page.getByRole('link', { name: 'Keys and tokens' }).count()) === 0,
        'a viewer is offered the keys',
      );
    },
  },
  {
    name: 'signing out everywhere ends the session of the other browser, too',
    async run(ground) {
      const key = await ground.newKey('viewer');
      const [one, other] = [await ground.signedIn(key), await ground.signedIn(key)];
      await one.page.getByRole('button', { name: key.accessKeyId }).click();
      await one.page.getByRole('menuitem', { name: 'Sign out everywhere' }).click();
      await one.page.getByText('You have signed out').waitFor();
      // Nobody touches the other one: its stream of changes tells it.
      await other.page.getByText('Your session has ended').waitFor();
    },
  },
];

/** Goes to each page by the navigation, and waits for what it shows. */
async function seeAllPages({ page }: Visit): Promise<void> {
  const link = (name: string) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name });
  await page.getByRole('table', { name: 'Failed last' }).getByRole('link', { name: /^d-/ }).first().waitFor();
  await link('Deployments').click();
  await page.getByRole('table', { name: 'Deployments' }).getByRole('link', { name: /^d-/ }).first().waitFor();
  await link('Applications').click();
  await page.getByRole('table', { name: 'Applications' }).getByRole('link', { name: APPLICATION }).click();
  await page.getByRole('table', { name: 'Deployment groups' }).getByRole('link', { name: GROUP, exact: true }).click();
  await page.getByRole('table', { name: 'Revisions on hosts' }).getByRole('link', { name: HOSTS[0] }).click();
  await page.getByRole('table', { name: 'History' }).getByRole('link', { name: /^d-/ }).first().waitFor();
  await link('Revisions').click();
  await page.getByRole('table', { name: 'Where revisions ran' }).getByText('s3://').first().waitFor();
  await link('Hosts').click();
  await page.getByRole('table', { name: 'Hosts' }).getByText(HOSTS[1]).waitFor();
}
