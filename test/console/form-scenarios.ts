/** Scenarios of forms: applications, groups and configurations that people make, change and delete in the browser. */
import type { Page } from 'playwright-core';
import { expect } from './expect.ts';
import { APPLICATION, GROUP, type Ground } from './ground.ts';
import type { Scenario } from './scenarios.ts';

const SHOP = 'shop';
const FRONT = 'front';

export const FORM_SCENARIOS: readonly Scenario[] = [
  {
    name: 'an application and a group are made by forms',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin, 'applications');
      await page.getByRole('button', { name: 'Create application' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name', { exact: true }).fill('no blanks here');
      await dialog.getByRole('button', { name: 'Create', exact: true }).click();
      await invalid(page, 'Name', 'applicationName must be an application name');
      await dialog.getByLabel('Name', { exact: true }).fill(SHOP);
      await dialog.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByRole('heading', { name: SHOP, exact: true }).waitFor();
      await page.getByRole('button', { name: 'Create group' }).click();
      await page.getByLabel('Name', { exact: true }).fill(FRONT);
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await invalid(page, 'Key of entry 1 of Tags of hosts', 'onPremisesInstanceTagFilters[0].Key is missing');
      await page.getByLabel('Key of entry 1 of Tags of hosts').fill('Role');
      await page.getByLabel('Value of entry 1 of Tags of hosts').fill('shop');
      await page.getByRole('button', { name: 'Create', exact: true }).click();
      await page.getByRole('heading', { name: FRONT, exact: true }).waitFor();
      await page.getByText('Role=shop').waitFor();
      const { deploymentGroupInfo: made } = await groupOf(ground);
      expect(made?.deploymentConfigName === 'CodeDeployDefault.OneAtATime', `it has ${made?.deploymentConfigName}`);
    },
  },
  {
    name: 'tags of an application are given and taken away by a form, and those of somebody else stay',
    async run(ground) {
      const { region, accountId } = await ground.client.call('DescribeServer', {});
      const ResourceArn = `arn:aws:codedeploy:${region}:${accountId}:application:${SHOP}`;
      const tagged = async () => {
        const { Tags = [] } = await ground.client.call('ListTagsForResource', { ResourceArn });
        return Tags.map(({ Key, Value }) => `${Key}=${Value}`)
          .sort()
          .join();
      };
      await ground.client.call('TagResource', { ResourceArn, Tags: [{ Key: 'Old', Value: '1' }] });
      const { page } = await ground.signedIn(ground.admin, `applications/${SHOP}`);
      await page.getByRole('button', { name: 'Tags', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Remove entry 1 of Tags' }).waitFor();
      await ground.client.call('TagResource', { ResourceArn, Tags: [{ Key: 'Theirs', Value: '2' }] });
      await dialog.getByRole('button', { name: 'Remove entry 1 of Tags' }).click();
      await dialog.getByRole('button', { name: 'Add a tag' }).click();
      await dialog.getByLabel('Key of entry 1 of Tags').fill('Team');
      await dialog.getByLabel('Value of entry 1 of Tags').fill('shop');
      await page.keyboard.press('Enter');
      await dialog.waitFor({ state: 'detached' });
      expect((await tagged()) === 'Team=shop,Theirs=2', `it has ${await tagged()}`);
    },
  },
  {
    name: 'a group is changed by a form, and what the API refuses stands at its field',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin, `applications/${SHOP}/${FRONT}`);
      await page.getByRole('button', { name: 'Change', exact: true }).click();
      await page.getByRole('button', { name: 'Deployment type' }).click();
      await page.getByRole('option', { name: /Blue\/green/ }).click();
      await page.getByRole('button', { name: 'Add a load balancer' }).click();
      await page.getByLabel('Name of entry 1 of Load balancers').fill('nobody');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await invalid(page, 'Name of entry 1 of Load balancers', 'is no load balancer of this server');
      await page.getByRole('button', { name: 'Deployment type' }).click();
      await page.getByRole('option', { name: /In place/ }).click();
      await page.getByRole('button', { name: 'Traffic' }).click();
      await page.getByRole('option', { name: 'Leave load balancers alone' }).click();
      await page.getByRole('button', { name: 'Remove entry 1 of Load balancers' }).click();
      await page.getByRole('button', { name: 'Add a list that hosts must also match' }).click();
      await page.getByLabel('Key of entry 1 of Tags of hosts, list 2').fill('Zone');
      await page.getByLabel('Value of entry 1 of Tags of hosts, list 2').fill('a');
      await page.getByText('Roll back by itself').click();
      await page.getByRole('button', { name: 'Roll back after' }).click();
      await page.getByRole('option', { name: 'a failed deployment' }).click();
      await page.keyboard.press('Escape');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByRole('heading', { name: FRONT, exact: true }).waitFor();
      await page.getByText('Role=shop; and Zone=a').waitFor();
      const { deploymentGroupInfo: changed } = await groupOf(ground);
      expect(
        changed?.autoRollbackConfiguration?.events?.join() === 'DEPLOYMENT_FAILURE',
        `the rollback is ${JSON.stringify(changed?.autoRollbackConfiguration)}`,
      );
    },
  },
  {
    name: 'two people change one group by forms, and neither loses anything unseen',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin, `edit-group/${SHOP}/${FRONT}`);
      await page.getByLabel('Value of entry 1 of Tags of hosts', { exact: true }).fill('mine');
      await ground.client.call('UpdateDeploymentGroup', {
        ...{ applicationName: SHOP, currentDeploymentGroupName: FRONT },
        ...{ deploymentConfigName: 'CodeDeployDefault.HalfAtATime', onPremisesInstanceTagFilters: [] },
      });
      // Nobody touches the form: it looks by itself.
      await page.getByText('Somebody else has changed the group').waitFor();
      await page.getByText('your values take the place of theirs').waitFor();
      await page.getByText('CodeDeployDefault.HalfAtATime').first().waitFor();
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.getByRole('heading', { name: FRONT, exact: true }).waitFor();
      const { deploymentGroupInfo: now } = await groupOf(ground);
      const tags = now?.onPremisesTagSet?.onPremisesTagSetList?.[0]?.[0]?.Value;
      expect(now?.deploymentConfigName === 'CodeDeployDefault.HalfAtATime', 'the other person’s change is lost');
      expect(tags === 'mine', `the person’s own change is lost: ${tags}`);
    },
  },
  {
    name: 'a deployment configuration is made by a form, and deleted',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin, 'configs');
      const table = page.getByRole('table', { name: 'Deployment configurations' });
      await table.getByText('CodeDeployDefault.ECSCanary10Percent5Minutes').waitFor();
      await page.getByRole('button', { name: 'Create configuration' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Name', { exact: true }).fill('two-thirds');
      await dialog.getByLabel('Healthy hosts, at least', { exact: true }).fill('a lot');
      await dialog.getByRole('button', { name: 'Create', exact: true }).click();
      await invalid(page, 'Healthy hosts, at least', 'minimumHealthyHosts.value must be a whole number');
      await dialog.getByLabel('Healthy hosts, at least', { exact: true }).fill('66');
      await dialog.getByRole('button', { name: 'Create', exact: true }).click();
      await table.getByText('66 % of the hosts stay healthy').waitFor();
      await page.getByRole('button', { name: 'Delete two-thirds' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await table.getByText('two-thirds').waitFor({ state: 'detached' });
    },
  },
  {
    name: 'a viewer is offered no form, and sees the settings of the server',
    async run(ground) {
      const visit = await ground.signedIn(await ground.newKey('viewer'), 'settings');
      const { page } = visit;
      await page.getByText('slipway server --alarms FILE').waitFor();
      const places = ['applications', `applications/${SHOP}`, `applications/${SHOP}/${FRONT}`, 'configs'];
      for (const path of places) {
        await page.goto(`${ground.server.url}/console/${path}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page.getByRole('table').first().waitFor();
        const offered = await page.getByRole('button', { name: /^(Create|Change|Rename|Delete)/ }).count();
        expect(offered === 0, `${path} offers a change to a viewer`);
      }
      const refused = visit.refusals.filter((text) => text !== '401 session');
      expect(refused.length === 0, `the page asked for what a viewer may not: ${refused.join(', ')}`);
    },
  },
  {
    name: 'a key of one group is offered the form of that group alone',
    async run(ground) {
      const key = await ground.client.call('CreateAccessKey', {
        ...{ role: 'operator', scope: { groups: [`${APPLICATION}/${GROUP}`] } },
      });
      const { page } = await ground.signedIn(key, `applications/${APPLICATION}/${GROUP}`);
      await page.getByRole('button', { name: 'Change', exact: true }).waitFor();
      await page.goto(`${ground.server.url}/console/applications/${APPLICATION}`);
      await page.getByRole('table', { name: 'Deployment groups' }).getByText(GROUP).waitFor();
      const offered = await page.getByRole('button', { name: /^(Rename|Delete)$/ }).count();
      expect(offered === 0, 'the application can be renamed or deleted');
    },
  },
  {
    name: 'a group and an application are deleted once their names are typed in the form',
    async run(ground) {
      const { page } = await ground.signedIn(ground.admin, `applications/${SHOP}/${FRONT}`);
      await deleteByName(page, FRONT);
      await page.getByText('The application has no deployment group').waitFor();
      await deleteByName(page, SHOP);
      await page.getByRole('heading', { name: 'Applications' }).first().waitFor();
      const { applications = [] } = await ground.client.call('ListApplications', {});
      expect(!applications.includes(SHOP), 'the application is still there');
    },
  },
];

async function groupOf({ client }: Ground) {
  return client.call('GetDeploymentGroup', { applicationName: SHOP, deploymentGroupName: FRONT });
}

async function deleteByName(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  const dialog = page.getByRole('dialog');
  const button = dialog.getByRole('button', { name: 'Delete', exact: true });
  expect(await button.isDisabled(), 'it can be deleted without its name');
  await dialog.getByLabel(`Type ${name} to go on`).fill(name);
  await button.click();
  await dialog.waitFor({ state: 'detached' });
}

/** Waits until the field is marked as refused and says why. */
async function invalid(page: Page, label: string, words: string): Promise<void> {
  const field = page.getByLabel(label, { exact: true }).and(page.locator('[aria-invalid=true]'));
  await field.waitFor();
  const ids = ((await field.getAttribute('aria-describedby')) ?? '').split(' ').filter(Boolean);
  const said = await Promise.all(ids.map((id) => page.locator(`[id="${id}"]`).textContent()));
  expect(said.join(' ').includes(words), `${label} says ${JSON.stringify(said)}`);
}
