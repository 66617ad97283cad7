/**
 * The command line can send everything that the API takes: each command line of the table goes to a server that writes down what it is
 * asked. A member that is new in the table of members has no command line here, and this test says so.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import type { ManagementOperation } from '../../src/protocol/management/shapes.ts';
import { INPUT_MEMBERS, type MemberKind } from '../../src/server/api/members.ts';
import { capturedContext } from '../support/cli-context.ts';
import { answeringServer, type ReceivedRequest } from '../support/http-server.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';

const SHA = 'a'.repeat(64);
const LISTENER = 'arn:aws:elasticloadbalancing:us-east-1:0:listener/app/front/0/1';
const GROUP = '0f0f0f0f-1111-2222-3333-444444444444';
const TO = ['--group', 'live', '--application', 'shop', '--no-follow'];

const COMMAND_LINES: readonly (readonly string[])[] = [
  ['applications', 'create', 'shop', '--label', 'Team=a'],
  ['applications', 'create', 'pay', '--platform', 'lambda'],
  ['applications', 'list'],
  ['applications', 'show', 'shop', 'blog'],
  ['applications', 'update', 'shop', '--name', 'store', '--label', 'Team=a', '--remove-label', 'Old'],
  ['applications', 'delete', 'shop', '--yes'],
  [
    ...['groups', 'create', 'live', '--application', 'shop', '--tag', 'Role=web', '--tag', 'Role=*', '--tag', '*=web'],
    ...['--load-balancers', 'front,api'],
    ...['--config', 'c', '--auto-rollback', 'failure', '--outdated', 'update', '--label', 'Team=a'],
    ...['--alarms', 'load', '--ignore-unreadable-alarms', '--trigger', 'chat=DeploymentFailure'],
  ],
  ['groups', 'create', 'live', '--application', 'shop', '--tag-set', 'Role=web,Role=api', '--tag-set', 'Zone=*'],
  ['groups', 'list'],
  ['groups', 'show', GROUP],
  [
    ...['groups', 'update', 'shop/live', '--name', 'x', '--tag', 'Role=web', '--config', 'c', '--outdated', 'ignore'],
    ...['--alarms', 'load,errors'],
    ...['--trigger', 'chat=DeploymentFailure,InstanceFailure'],
    ...['--auto-rollback', 'stop', '--label', 'Team=a', '--remove-label', 'Old'],
  ],
  ['groups', 'update', 'shop/live', '--tag-set', 'Role=web', '--load-balancers', 'front'],
  ...['create', 'update'].map((verb) => [
    ...['groups', verb, ...(verb === 'create' ? ['swap', '--application', 'shop', '--tag', 'Fleet=a'] : ['shop/live'])],
    ...['--blue-green', '--load-balancers', 'front', '--ready-wait', '60', '--original', 'terminate'],
    ...['--termination-wait', '30'],
  ]),
  ['groups', 'hooks', 'shop/live'],
  [
    ...['groups', 'hooks', 'shop/live', '--hook', 'BeforeAllowTraffic=check', '--hook-parameter', 'stage=live'],
    ...['--hook-payload', 'extended'],
  ],
  ...['create', 'update'].flatMap((verb) => {
    const command = ['groups', verb, ...(verb === 'create' ? ['fleet', '--application', 'shop'] : ['shop/live'])];
    return [
      [
        ...[...command, '--auto-scaling-groups', 'web-a,web-b', '--ec2-tag', 'Role=web', '--termination-hook'],
        ...['--suspend-processes', 'AZRebalance,Terminate', '--classic-load-balancers', 'old'],
      ],
      [
        ...[...command, '--ec2-tag-set', 'Role=web,Role=api', '--no-termination-hook', '--blue-green'],
        ...['--load-balancers', 'front', '--replacement', 'copy'],
      ],
      [
        ...[...command, '--ecs-service', 'main/shop', '--target-groups', 'blue,green', '--listener', LISTENER],
        ...['--test-listener', LISTENER],
      ],
    ];
  }),
  ['groups', 'delete', 'shop/live', '--yes'],
  ['configs', 'create', 'most', '--min-healthy', '75%'],
  [
    ...['configs', 'create', 'zones', '--min-healthy', '1', '--min-healthy-per-zone', '1'],
    ...['--zone-wait', '60', '--first-zone-wait', '600'],
  ],
  ['configs', 'create', 'tenth', '--platform', 'lambda', '--canary', '10/5'],
  ['configs', 'create', 'steps', '--platform', 'ecs', '--linear', '10/1'],
  ['configs', 'list'],
  ['logs', 'd-1A2B3C4D5', '--host', 'web-1', '--event', 'AfterInstall'],
  ['configs', 'show', 'most'],
  ['configs', 'delete', 'most', '--yes'],
  ['revisions', 'register', '--application', 'shop', '--github', 'me/site@0a1b2c3', '--description', 'x'],
  ['revisions', 'show', '--application', 'shop', '--url', 'https://x/b.tgz', '--sha256', SHA],
  ['revisions', 'show', '--application', 'shop', '--revision', 's3://b/k', '--object-version', '3', '--etag', 'e'],
  ['revisions', 'register', '--application', 'shop', '--revision', 's3://b/k', '--object-version', '3', '--etag', 'e'],
  ['revisions', 'show', '--application', 'shop', '--github', 'me/site@0a1b2c3'],
  [
    ...['revisions', 'list', '--application', 'shop', '--sort-by', 'last-deployed', '--oldest-first'],
    ...['--bucket', 'b', '--key-prefix', 'k', '--deployed', 'yes'],
  ],
  [
    ...['deploy', ...TO, '--revision', 's3://b/k', '--object-version', '3', '--etag', 'e', '--type', 'tgz'],
    ...['--config', 'c', '--description', 'x', '--ignore-application-stop-failures', '--auto-rollback', 'failure,stop'],
    ...['--outdated-only', '--file-exists-behavior', 'OVERWRITE', '--alarms', 'load'],
  ],
  ['deploy', ...TO, '--github', 'me/site@0a1b2c3'],
  ['plan', '--appspec', 'build/appspec.yml', '--group', 'live', '--application', 'shop', '--config', 'c'],
  ['deploy', ...TO, '--restart'],
  ['deploy', ...TO, '--github', 'me/site@0a1b2c3', '--green-tag', 'Fleet=b'],
  ['deploy', ...TO, '--github', 'me/site@0a1b2c3', '--green-tag-set', 'Fleet=b,Fleet=c'],
  ['deploy', ...TO, '--github', 'me/site@0a1b2c3', '--green-auto-scaling-groups', 'web-b'],
  ['deploy', ...TO, '--github', 'me/site@0a1b2c3', '--suspend-processes', 'none'],
  ['deploy', ...TO, '--github', 'me/site@0a1b2c3', '--suspend-processes', 'Terminate'],
  [
    ...['deployments', 'list', '--group', 'live', '--application', 'shop', '--status', 'failed'],
    ...['--since', '2026-01-31', '--until', '2026-02-01'],
  ],
  ['deployments', 'show', 'd-1A2B3C4D5', '--target-status', 'Failed'],
  ['deployments', 'show', 'd-1A2B3C4D5', '--target', 'web-1'],
  ['deployments', 'continue', 'd-1A2B3C4D5'],
  ['deployments', 'stop', 'd-1A2B3C4D5', '--no-rollback'],
  ['deployments', 'stop', 'd-1A2B3C4D5', '--rollback', '--now'],
  [
    ...['audit', '--application', 'shop', '--group', 'live', '--key', 'AKIA', '--operation', 'CreateDeployment'],
    ...['--since', '2026-01-31', '--until', '2026-02-01'],
  ],
  ...[['revisions'], ['hosts', '--host', 'web-1']].map(([room = '', ...options]) => [
    ...[room, 'history', '--application', 'shop', '--group', 'live', ...options],
    ...['--since', '2026-01-31', '--until', '2026-02-01'],
  ]),
  ['hosts', 'revisions', '--application', 'shop', '--group', 'live', '--host', 'web-1'],
  ['search', 'shop', 'live'],
  ['notices', '--deployment', 'd-1A2B3C4D5', '--state', 'given-up'],
  ['hosts', 'list', '--status', 'registered', '--tag', 'Role=web', '--find', 'web', '--needs-attention'],
  ['hosts', 'show', 'web-1'],
  ['hosts', 'register', 'web-2', '--host-arn', 'arn:aws:iam::000000000000:user/web-2', '--tag', 'Role=web'],
  ['hosts', 'register', 'web-3', '--host-arn', 'arn:aws:sts::000000000000:assumed-role/web/web-3'],
  ['hosts', 'update', 'web-1', 'web-2', '--tag', 'Role=web', '--remove-tag', 'Old=1'],
  ['hosts', 'deregister', 'web-1'],
  ['keys', 'create', '--role', 'host', '--instance-name', 'web-1', '--description', 'x'],
  ['keys', 'create', '--role', 'host', '--host-arn', 'arn:aws:iam::000000000000:user/web-2'],
  ['keys', 'create', '--role', 'viewer', '--application', 'a*', '--group', 'a*/b', '--host-tag', 'Team=a'],
  ['keys', 'list'],
  ['keys', 'disable', 'AKIAEXAMPLE123456789'],
  ['keys', 'enable', 'AKIAEXAMPLE123456789'],
  ['server', 'show'],
  ['server', 'settings'],
  [
    'revisions',
    'files',
    '--application',
    'shop',
    '--revision',
    's3://b/k.zip',
    '--etag',
    'e',
    '--object-version',
    '3',
    '--compare-with-group',
    'live',
  ],
  ['revisions', 'files', '--application', 'shop', '--github', 'me/site@0a1b2c3'],
  [
    ...['server', 'tokens', 'create', '--tag', 'Role=web', '--uses', '2', '--expires-in', '2h'],
    ...['--instance-name', 'web-*', '--take-over', '--description', 'x'],
  ],
  ['server', 'tokens', 'list'],
  [
    ...['server', 'git-tokens', 'add', 'acme', '--url', 'https://gitlab.com/acme', '--application', 'a*'],
    ...['--username', 'bot', '--token-file', fileURLToPath(new URL('../../package.json', import.meta.url))],
  ],
  ['server', 'git-tokens', 'list'],
  ['server', 'git-tokens', 'remove', 'acme'],
  ['server', 'tokens', 'revoke', 'TOKNAAAAAAAAAAAA'],
];

/** Members that no command line sends, and why. */
const NOT_SENT: Readonly<Record<string, string>> = {
  // The same for one thing is asked for each name.
  ...ofOperation('BatchGetApplications', 'applications show'),
  ...ofOperation('BatchGetDeploymentGroups', 'groups show'),
  ...ofOperation('BatchGetOnPremisesInstances', 'hosts show'),
  // DescribeHosts says more, and `hosts list` chooses from it.
  ...ofOperation('ListOnPremisesInstances', 'hosts list'),
  // Older names for targets.
  ...ofOperation('ListDeploymentInstances', 'deployments show'),
  ...ofOperation('GetDeploymentInstance', 'deployments show'),
  ...ofOperation('BatchGetDeploymentInstances', 'deployments show'),
  'UpdateDeploymentGroup.serviceRoleArn': 'the server keeps it and does nothing with it',
  'ListDeployments.externalId': 'of CloudFormation; nothing here has one',
  // ListGitTokens says more.
  ...ofOperation('ListGitHubAccountTokenNames', 'server git-tokens list'),
  ...ofOperation('SkipWaitTimeForInstanceTermination', 'deployments continue --termination'),
};

/** Operations that no person calls: a function that is a hook answers by the first, CloudFormation calls the second. */
const FOREIGN: readonly string[] = ['PutLifecycleEventHookExecutionStatus', 'DeleteResourcesByExternalId'];

function ofOperation(operation: ManagementOperation, instead: string): Record<string, string> {
  return Object.fromEntries(leavesOf(operation).map((leaf) => [leaf, instead]));
}

function leavesOf(operation: ManagementOperation): string[] {
  return namesBelow(operation, INPUT_MEMBERS[operation]);
}

function namesBelow(path: string, kind: MemberKind): string[] {
  if (typeof kind === 'string') return [path];
  if (Array.isArray(kind)) return namesBelow(path, kind[0] as MemberKind);
  return Object.entries(kind).flatMap(([name, member]) => namesBelow(`${path}.${name}`, member));
}

function operationOf({ headers }: Pick<ReceivedRequest, 'headers'>): ManagementOperation {
  return (headers['x-amz-target'] ?? '').replace(/^.*\./, '') as ManagementOperation;
}

/** The leaves of a request that was sent. */
function sentBelow(path: string, value: unknown, kind: MemberKind | undefined): string[] {
  if (kind === 'map' || typeof kind === 'string') return [path];
  if (Array.isArray(value))
    return value.flatMap((entry) => sentBelow(path, entry, (kind as readonly MemberKind[] | undefined)?.[0]));
  if (typeof value !== 'object' || value === null) return [path];
  const members = kind as Readonly<Record<string, MemberKind>>;
  return Object.entries(value).flatMap(([name, member]) => sentBelow(`${path}.${name}`, member, members[name]));
}

const ANSWERS: Readonly<Record<string, object>> = {
  SearchResources: { resources: [] },
  ListEventLogs: {
    logs: [
      {
        ...{ targetId: 'web-1', lifecycleEventName: 'AfterInstall', status: 'InProgress' },
        ...{ firstByte: 0, endByte: 6, lastWriteTime: 1 },
      },
    ],
  },
  GetEventLog: { firstByte: 0, text: 'hello\n', nextByte: 6, status: 'InProgress' },
  DescribeRevisionContent: { sizeBytes: 1, files: [] },
  DescribeServerSettings: { asksAws: false, loadBalancers: [], alarms: [], noticeTargets: [] },
  ListApplications: { applications: ['shop'] },
  ListDeploymentGroups: { deploymentGroups: ['live'] },
  GetDeploymentGroup: { deploymentGroupInfo: { deploymentGroupId: GROUP } },
  CreateDeployment: { deploymentId: 'd-1A2B3C4D5' },
  ListDeployments: { deployments: ['d-1A2B3C4D5'] },
  GetDeployment: { deploymentInfo: { deploymentId: 'd-1A2B3C4D5', status: 'Succeeded' } },
  ListDeploymentTargets: { targetIds: ['web-1'] },
  DescribeDeploymentWaits: { waits: [] },
  PlanDeployment: { calls: [] },
  DescribeDeploymentProgress: { events: [], phases: [] },
  PutDeploymentGroupHooks: { hooks: [], parameters: [], payload: 'EXTENDED' },
  DescribeDeploymentGroupHooks: { hooks: [], parameters: [], payload: 'DOCUMENTED' },
  ListDeploymentConfigs: { deploymentConfigsList: ['most'] },
  ListApplicationRevisions: {
    revisions: [
      { revisionType: 'S3', s3Location: { bucket: 'b', key: 'k', bundleType: 'zip', eTag: 'e', version: '3' } },
      { revisionType: 'GitHub', gitHubLocation: { repository: 'me/site', commitId: '0a1b2c3' } },
    ],
  },
  DescribeHosts: { hosts: [] },
  ListAccessKeys: { accessKeys: [] },
  ListAuditEntries: { entries: [] },
  ListEnrolmentTokens: { tokens: [] },
  ListGitTokens: { tokens: [] },
  CreateEnrolmentToken: { tokenId: 'TOKNAAAAAAAAAAAA', token: 'slipway.T', uses: 2, expireTime: 1 },
  ListRevisionHistory: { entries: [] },
  ListHostHistory: { entries: [] },
  ListHostRevisions: { entries: [] },
  ListNotices: { notices: [] },
  DescribeServer: {
    ...{ version: '1', region: 'r', accountId: '0', s3Endpoint: 'http://x', revisionBucket: 'b' },
    signerCaCertificatePem: 'PEM',
  },
  CreateAccessKey: { accessKeyId: 'A', secretAccessKey: 'S', role: 'host', hostArn: 'arn' },
};

let scratch: ScratchFolder;
let server: Awaited<ReturnType<typeof answeringServer>>;

beforeAll(async () => {
  scratch = scratchFolder();
  mkdirSync(scratch.at('build'));
  writeFileSync(scratch.at('build/appspec.yml'), 'version: 0.0\nos: linux\n');
  server = await answeringServer((request) => {
    const { body } = request;
    const operation = operationOf(request);
    const answer = ANSWERS[operation] ?? {};
    if (!/^(List|DescribeHosts)/.test(operation)) return { body: JSON.stringify(answer) };
    // There is a second page to every list, with nothing on it.
    const token = operation === 'ListTagsForResource' ? 'NextToken' : 'nextToken';
    const isSecond = JSON.parse(body.toString())[token] !== undefined;
    return { body: JSON.stringify(isSecond ? {} : { ...answer, [token]: 'more' }) };
  });
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

test('every member of the API that the server acts upon is sent by a command of the command line', async () => {
  const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', SLIPWAY_ENDPOINT_URL: server.url };
  for (const args of COMMAND_LINES) {
    const ctx = capturedContext({ env, workingDirectory: scratch.path });
    const flags = args[0] === 'keys' ? ['--endpoint-url', server.url] : [];
    const status = await runCli([...args, ...flags], ctx);
    expect({ args, status, complained: ctx.complained() }).toEqual({ args, status: 0, complained: '' });
  }
  const sent = new Set(
    server.received.flatMap((request) => {
      const operation = operationOf(request);
      return sentBelow(operation, JSON.parse(request.body.toString()), INPUT_MEMBERS[operation]);
    }),
  );
  const operations = Object.keys(INPUT_MEMBERS) as ManagementOperation[];
  // `string` is the older form of `appSpecContent`, and deploy and plan send that from a file.
  const wanted = operations
    .filter((operation) => !FOREIGN.includes(operation))
    .flatMap(leavesOf)
    .filter((leaf) => !/\.(string|appSpecContent)\./.test(leaf));
  expect(wanted.filter((leaf) => !sent.has(leaf) && !Object.hasOwn(NOT_SENT, leaf))).toEqual([]);
  // What is sent or is gone has no reason for not being sent.
  expect(Object.keys(NOT_SENT).filter((leaf) => sent.has(leaf) || !wanted.includes(leaf))).toEqual([]);
  const asked = new Set(server.received.map(operationOf));
  const covered = (operation: ManagementOperation) =>
    asked.has(operation) ||
    FOREIGN.includes(operation) ||
    Object.keys(NOT_SENT).some((leaf) => leaf.startsWith(`${operation}.`));
  expect(operations.filter((operation) => !covered(operation))).toEqual([]);
});
