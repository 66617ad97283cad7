/** Tokens for git hosts: kept sealed, given to the hosts of the applications that may use them, and shown to nobody. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEnvelope } from '../../../src/protocol/envelope/open.ts';
import { parseSpecification } from '../../../src/protocol/specification.ts';
import { chooseToken } from '../../../src/server/engine/git-access.ts';
import { type HandDrivenHost, handDrivenHost, managementClient } from '../../support/hand-driven-host.ts';
import { createWorld, ROLE, type World } from './operations/world.ts';

const SECRET = 'glpat-NeverShown1';
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

let world: World;
let host: HandDrivenHost;
beforeAll(async () => {
  world = await createWorld();
  const admin = managementClient(world.server.url, world.key);
  host = await handDrivenHost(world.server.url, admin, 'git-1', 'git');
  for (const applicationName of ['shop-web', 'bank']) {
    await world.call('CreateApplication', { applicationName });
    await world.call('CreateDeploymentGroup', {
      ...{ applicationName, deploymentGroupName: 'g', serviceRoleArn: ROLE },
      deploymentConfigName: 'CodeDeployDefault.AllAtOnce',
      onPremisesInstanceTagFilters: [{ Key: 'Role', Value: 'git', Type: 'KEY_AND_VALUE' }],
    });
  }
});
afterAll(() => world[Symbol.asyncDispose]());

const put = (more: object) =>
  world.call('PutGitToken', {
    ...{ tokenName: 'acme', url: 'https://gitlab.com/acme', applications: ['shop-*'], token: SECRET },
    ...more,
  });

/** Token that the host gets, in a deployment of a repository. */
async function specificationFor(applicationName: string, repository: string) {
  const group = { applicationName, deploymentGroupName: 'g' };
  const revision = { revisionType: 'GitHub', gitHubLocation: { repository, commitId: COMMIT } };
  const { deploymentId } = await world.call('CreateDeployment', { ...group, revision });
  const command = await host.command();
  const answer = await host.client.getDeploymentSpecification(command.DeploymentExecutionId);
  const envelope = answer.DeploymentSpecification?.GenericEnvelope;
  const specification = parseSpecification(await openEnvelope(envelope, { caCertificatePem: null, nowMs: Date.now() }));
  expect(specification.deploymentId).toBe(deploymentId);
  await world.call('StopDeploymentNow', { deploymentId });
  return specification;
}

describe('a deployment from a git repository', () => {
  test('brings its hosts the token of its application, as it is now', async () => {
    await put({});
    const brought = await specificationFor('shop-web', 'https://gitlab.com/acme/site.git');
    expect(brought).toMatchObject({ gitHubAccessToken: SECRET, gitUserName: 'oauth2' });
    await put({ token: 'another', userName: 'bot' });
    const later = await specificationFor('shop-web', 'https://gitlab.com/acme/site.git');
    expect(later).toMatchObject({ gitHubAccessToken: 'another', gitUserName: 'bot' });
  });

  test('a deployment from GitHub has the token where official agents look for it', async () => {
    await put({ tokenName: 'hub', url: 'https://github.com/acme', token: 'ghp_1' });
    expect(await specificationFor('shop-web', 'acme/site')).toMatchObject({
      gitHubAccessToken: 'ghp_1',
      gitUserName: 'x-access-token',
    });
  });

  test.each([
    ['bank', 'https://gitlab.com/acme/site.git'],
    ['shop-web', 'https://gitlab.com/acmes/site.git'],
    ['shop-web', 'https://gitlab.example/acme/site.git'],
    ['shop-web', 'https://gitlab.com:8443/acme/site.git'],
    ['shop-web', 'other/site'],
  ])('brings no token where %s deploys %s', async (applicationName, repository) => {
    await put({});
    expect((await specificationFor(applicationName, repository)).gitHubAccessToken).toBeNull();
  });
});

test('a token is in no answer, no entry of the audit log, and in the database only sealed', async () => {
  const made = await put({ tokenName: 'kept' });
  expect(made).toMatchObject({ tokenName: 'kept', url: 'https://gitlab.com/acme', applications: ['shop-*'] });
  const answers = [
    made,
    await world.call('ListGitTokens', {}),
    await world.call('ListGitHubAccountTokenNames', {}),
    await world.call('ListAuditEntries', { operation: 'PutGitToken' }),
    await world.call('GetApplication', { applicationName: 'shop-web' }),
  ];
  expect(JSON.stringify(answers)).not.toContain(SECRET);
  expect(answers[3]).toMatchObject({
    entries: expect.arrayContaining([
      expect.objectContaining({ request: expect.objectContaining({ token: '(struck out)' }) }),
    ]),
  });
  expect(answers[4]).toMatchObject({ application: { linkedToGitHub: true } });
  expect(await world.kept()).not.toContain(SECRET);
});

test('a token that was removed is brought to no host, and cannot be removed twice', async () => {
  await put({ tokenName: 'gone', url: 'https://git.example', applications: ['*'] });
  expect(await world.call('DeleteGitHubAccountToken', { tokenName: 'gone' })).toEqual({ tokenName: 'gone' });
  expect((await specificationFor('bank', 'https://git.example/a/b.git')).gitHubAccessToken).toBeNull();
  await expect(world.call('DeleteGitHubAccountToken', { tokenName: 'gone' })).rejects.toMatchObject({
    type: 'GitHubAccountTokenDoesNotExistException',
  });
});

test.each([
  [{ tokenName: 'a b' }, 'tokenName'],
  [{ url: 'http://gitlab.com' }, 'url'],
  [{ url: 'https://user:secret@gitlab.com' }, 'url'],
  [{ url: 'https://gitlab.com/?x=1' }, 'url'],
  [{ url: 'https://gitlab.com/a%2Fb' }, 'url'],
  [{ url: 'gitlab.com' }, 'url'],
  [{ applications: [] }, 'applications'],
  [{ applications: ['a/b'] }, 'applications'],
  [{ token: '' }, 'token'],
  [{ token: 'two words' }, 'token'],
  [{ userName: 'a:b' }, 'userName'],
])('a token of %j is refused', async (more, member) => {
  await expect(put(more)).rejects.toMatchObject({
    type: 'ValidationException',
    message: expect.stringContaining(member),
  });
});

test('there are 25 tokens at most, and one that is replaced needs no place', async () => {
  const { tokens } = (await world.call('ListGitTokens', {})) as { tokens: readonly object[] };
  for (let at = tokens.length; at < 25; at += 1) await put({ tokenName: `full-${at}` });
  await expect(put({ tokenName: 'too-many' })).rejects.toThrow('25 is the limit');
  await put({ tokenName: 'full-24' });
});

test.each([
  [
    'the one whose address says most',
    ['https://git.example', 'https://git.example/a/b', 'https://git.example/a'],
    'https://git.example/a/b.git',
    1,
  ],
  ['none for a part of a name', ['https://git.example/a'], 'https://git.example/ab/c', null],
  ['none for a path that is encoded', ['https://git.example/a'], 'https://git.example/a/..%2Fb', null],
  ['none for a path that leads out', ['https://git.example/a'], 'https://git.example/a/../b/c', null],
  ['none for an address of ssh', ['https://git.example'], 'ssh://git@git.example/a/b', null],
  ['one for a repository by its whole address', ['https://git.example/a/b.git'], 'https://git.example/a/b.git', 0],
  ['one that ends with a slash', ['https://git.example/a/'], 'https://git.example/a/b', 0],
] as const)('%s is taken where there are several tokens', (_which, urls, repository, expected) => {
  const rows = urls.map((url) => ({ url, applications_json: '["*"]' }));
  expect(chooseToken(rows, 'any', repository)).toBe(expected === null ? null : rows[expected]);
});
