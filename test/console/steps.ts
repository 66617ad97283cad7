/** Steps that several scenarios take. */
import type { Page } from 'playwright-core';

/** Waits until the page of a deployment says that it has ended so; nobody loads it again. */
export async function waitForEnd(
  page: Page,
  status: 'Succeeded' | 'Failed' | 'Stopped',
  timeout = 60_000,
): Promise<void> {
  await page
    .getByText(new RegExp(`^${status}: \\d+ of \\d+ done`))
    .first()
    .waitFor({ timeout });
}

/** The id of the deployment in what a command prints as JSON. */
export function deploymentOf(text: string): string {
  const id = /d-[A-Z0-9]{9}/.exec(text)?.[0];
  if (id === undefined) throw new Error(`there is no deployment in ${text}`);
  return id;
}
