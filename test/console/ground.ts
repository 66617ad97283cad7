/** Ground of the scenarios: a real server with two real agents behind it, and a real browser in front of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findProgram } from '../../src/system/programs.ts';
import { freePort } from '../support/balancers.ts';
import { eventually } from '../support/eventually.ts';
import { type KeyPair, managementClient } from '../support/hand-driven-host.ts';
import { oidcFile, startProvider } from '../support/openid-provider.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { type ControlServer, enrolHost, runSlipway, startControlServer } from '../support/slipway.ts';
import { PEOPLE, PROVIDER_LABEL, RULES } from './single-sign-on.ts';

export const APPLICATION = 'hello-site';
export const GROUP = 'fleet';
export const HOSTS = ['web-1', 'web-2'] as const;

export interface Visit {
  readonly page: Page;
  /** Faults that the browser has met on the page: of programs, of the policy, of requests. */
  readonly faults: readonly string[];
  /** Answers other than success, as `403 CreateDeployment`. */
  readonly refusals: readonly string[];
}

export interface Ground {
  readonly server: ControlServer;
  readonly admin: KeyPair;
  readonly browser: Browser;
  readonly scratch: ScratchFolder;
  readonly client: ReturnType<typeof managementClient>;
  /** Another browser, with no session. */
  visit(options?: Parameters<Browser['newContext']>[0]): Promise<Visit>;
  /** A browser that has signed in. @param path below `/console/` */
  signedIn(key: KeyPair, path?: string): Promise<Visit>;
  newKey(role: 'admin' | 'operator' | 'viewer'): Promise<KeyPair>;
  /** Runs a command of the program as the admin. @returns what it prints */
  slipway(...args: readonly string[]): Promise<string>;
  /** Takes a picture for the docs, where pictures were asked for. @param size of the screen, in pixels */
  picture(page: Page, name: string, size: { readonly width: number; readonly height: number }): Promise<void>;
  /** A bundle's folder. @param validate the script of ValidateService */
  revision(name: string, validate: string): string;
}

/** @returns null: no Chromium is here */
export function chromiumProgram(): string | null {
  const path = process.env['PATH'];
  return findProgram('chromium', path) ?? findProgram('google-chrome', path);
}

/** @param pictures the folder for pictures; null: none are taken */
export async function openGround(
  program: string,
  stack: AsyncDisposableStack,
  pictures: string | null,
): Promise<Ground> {
  const scratch = stack.use(scratchFolder());
  const server = await startServerWithProvider(scratch, stack);
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = server.env;
  const admin = { accessKeyId, secretAccessKey };
  const client = managementClient(server.url, admin);
  // A container's root has no sandbox to give.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const browser = await chromium.launch({ executablePath: program, args });
  stack.defer(() => browser.close());
  const visit = async (options: Parameters<Browser['newContext']>[0] = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    return watch(context);
  };
  return {
    ...{ server, admin, browser, scratch, client, visit },
    async signedIn(key, path = '') {
      const visited = await visit();
      await signIn(visited.page, server.url, key, path);
      return visited;
    },
    async newKey(role) {
      return client.call('CreateAccessKey', { role, description: `a ${role} of the scenarios` });
    },
    async slipway(...words) {
      const { status, stdout, stderr } = await runSlipway(words, server.env);
      if (status === null || status > 1) throw new Error(`slipway ${words.join(' ')} ended with ${status}\n${stderr}`);
      return stdout;
    },
    async picture(page, name, size) {
      if (pictures === null) return;
      await page.setViewportSize(size);
      await page.screenshot({ path: join(pictures, `${name}.png`) });
    },
    revision: (name, validate) => writeRevision(scratch, name, validate),
  };
}

/** The provider sends browsers back to an address that it knows before the server is there. */
async function startServerWithProvider(scratch: ScratchFolder, stack: AsyncDisposableStack): Promise<ControlServer> {
  const address = `127.0.0.1:${await freePort()}`;
  const serverUrl = `http://${address}`;
  const callback = `${serverUrl}/console/single-sign-on/callback`;
  const provider = stack.use(await startProvider(callback, PEOPLE, { name: 'localhost' }));
  const settings = { issuer: provider.issuer, serverUrl, label: PROVIDER_LABEL, rules: RULES };
  const flags = ['--listen', address, '--oidc', oidcFile(scratch, settings)];
  return stack.use(await startControlServer(scratch.at('server'), undefined, flags));
}

/** Enrols the hosts, starts their agents, and waits until the server has heard of them. */
export async function startHosts(ground: Ground, stack: AsyncDisposableStack): Promise<void> {
  const { server, scratch, client } = ground;
  for (const name of HOSTS) {
    const host = await enrolHost(server, scratch.at(name), name, 'Role=web');
    stack.use(host.startAgent());
  }
  await client.call('CreateApplication', { applicationName: APPLICATION });
  await client.call('CreateDeploymentGroup', {
    applicationName: APPLICATION,
    deploymentGroupName: GROUP,
    serviceRoleArn: 'arn:aws:iam::000000000000:role/none',
    onPremisesInstanceTagFilters: [{ Key: 'Role', Value: 'web', Type: 'KEY_AND_VALUE' }],
    deploymentConfigName: 'CodeDeployDefault.AllAtOnce',
  });
  await eventually(async () => {
    const { hosts } = await client.call('DescribeHosts', {});
    return hosts.length === HOSTS.length && hosts.every(({ lastPollTime }) => lastPollTime !== undefined);
  });
}

async function watch(context: BrowserContext): Promise<Visit> {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const [faults, refusals]: [string[], string[]] = [[], []];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('dialog', (dialog) => {
    faults.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // Refused answers are counted by themselves.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) refusals.push(`${response.status()} ${response.url().split('/').at(-1)}`);
  });
  return { page, faults, refusals };
}

/** Signs in by the form, as a person does. */
export async function signIn(page: Page, url: string, key: KeyPair, path = ''): Promise<void> {
  await page.goto(`${url}/console/${path}`);
  await page.getByLabel('Access key ID').fill(key.accessKeyId);
  await page.getByLabel('Secret access key').fill(key.secretAccessKey);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).first().waitFor();
}

function writeRevision(scratch: ScratchFolder, name: string, validate: string): string {
  const folder = scratch.at('revisions', name);
  mkdirSync(join(folder, 'scripts'), { recursive: true });
  writeFileSync(
    join(folder, 'appspec.yml'),
    [
      'version: 0.0',
      'os: linux',
      'hooks:',
      '  ValidateService:',
      '    - location: scripts/validate.sh',
      '      timeout: 60',
      '',
    ].join('\n'),
  );
  // No `files`: both hosts are this machine, and would put them in one place. The page makes each bundle another one.
  writeFileSync(join(folder, 'index.html'), `<h1>${name}</h1>\n`);
  writeFileSync(join(folder, 'scripts/validate.sh'), `#!/bin/sh\n${validate}\n`, { mode: 0o755 });
  return folder;
}
