/** Scenarios of people who sign in by an OpenID Connect provider of another site. */
import type { Page } from 'playwright-core';
import { expect } from './expect.ts';
import type { Scenario } from './scenarios.ts';

/** Login at the provider → claims. */
export const PEOPLE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ada: { name: 'Ada Lovelace', groups: ['admins'] },
  guest: { name: 'A guest', groups: ['<img src=x onerror="window.stolen=1">'] },
};
export const PROVIDER_LABEL = 'Example SSO';
export const RULES = [{ values: ['admins'], role: 'admin' }];

const cookiesOf = async (page: Page) => (await page.context().cookies()).filter(({ name }) => name.includes('slipway'));

export const SINGLE_SIGN_ON: readonly Scenario[] = [
  {
    name: 'a person signs in at the provider, comes back to the page, and stands in the audit log by name',
    async run(ground) {
      const { page, faults } = await ground.visit();
      await page.goto(`${ground.server.url}/console/audit?operation=console%3ASignIn`);
      await page.getByRole('button', { name: `Continue with ${PROVIDER_LABEL}` }).click();
      await signInAtProvider(page, 'ada');
      await page.getByRole('table', { name: 'Audit log' }).getByText('Ada Lovelace: oidc:ada').first().waitFor();
      expect(page.url().endsWith('/console/audit?operation=console%3ASignIn'), `the address is ${page.url()}`);
      const cookies = await cookiesOf(page);
      expect(cookies.length === 1, `the browser keeps ${cookies.map(({ name }) => name).join(', ')}`);
      const [session] = cookies;
      expect(session?.httpOnly === true && session.sameSite === 'Strict', 'the session is open to programs or sites');
      await page.getByRole('button', { name: 'Ada Lovelace' }).click();
      await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click();
      await page.getByText('You have signed out').waitFor();
      expect((await cookiesOf(page)).length === 0, 'a cookie outlives the sign-out');
      expect(faults.length === 0, faults.join('\n'));
    },
  },
  {
    name: 'a person without a role is told why, as text, and is led back to the sign-in',
    async run(ground) {
      const { page, faults } = await ground.visit();
      await page.goto(`${ground.server.url}/console/`);
      await page.getByRole('button', { name: `Continue with ${PROVIDER_LABEL}` }).click();
      await signInAtProvider(page, 'guest');
      await page.getByText('Your claim groups has <img src=x').waitFor();
      expect((await page.evaluate('"stolen" in window')) === false, 'a claim ran as a program');
      await page.getByRole('link', { name: 'Back to the sign-in' }).click();
      await page.getByLabel('Access key ID').waitFor();
      expect(faults.length === 0, faults.join('\n'));
    },
  },
];

async function signInAtProvider(page: Page, login: string): Promise<void> {
  await page.locator('input[name=login]').fill(login);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
}
