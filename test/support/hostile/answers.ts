/**
 * Answers of a control server that means harm. For each operation of CodeDeploy they hold the whole output that the SDK's model knows, with
 * orders in every string. They hold the same for the operations of Slipway's own.
 */
import * as sdk from '@aws-sdk/client-codedeploy';
import type { ControlOperations } from '../../../src/protocol/management/shapes.ts';
import { HOSTILE, HOSTILE_ARGUMENT } from './text.ts';

type Answers = Record<string, unknown>;

/** Left out: a list that goes on for ever is another matter. */
const TOKENS = ['nextToken', 'NextToken'];
const DEEPEST = 12;

/**
 * @param status of deployments, which a follower waits for
 * @param signerCaCertificatePem what the server gives for the certificate of its orders
 */
export function hostileAnswers(status: string = HOSTILE, signerCaCertificatePem: string = HOSTILE): Answers {
  const answers: Answers = {};
  for (const [name, schema] of Object.entries(sdk)) {
    // [9, namespace, name, traits, input, output] is an operation. @see @smithy/types, `StaticOperationSchema`
    if (name.endsWith('$') && Array.isArray(schema) && schema[0] === 9) {
      answers[name.slice(0, -1)] = madeFor(schema[5], 0);
    }
  }
  const withStatus = JSON.parse(
    JSON.stringify(answers, (key, value) => (key === 'status' ? status : value)),
  ) as Answers;
  return { ...withStatus, ...CONTROL, DescribeServer: { ...CONTROL.DescribeServer, signerCaCertificatePem } };
}

/** The same, and every list goes on: with the same page again. */
export function endlessAnswers(): Answers {
  const goesOn = Object.fromEntries(TOKENS.map((name) => [name, HOSTILE]));
  const entries = Object.entries(hostileAnswers('Failed'));
  return Object.fromEntries(entries.map(([name, answer]) => [name, { ...(answer as object), ...goesOn }]));
}

/** @see @smithy/types, `schema/sentinels`: simple types are numbers, lists and maps of them have a bit more */
function madeFor(schema: unknown, depth: number): unknown {
  if (depth > DEEPEST) return undefined;
  if (typeof schema === 'function') return madeFor(schema(), depth);
  if (typeof schema === 'number') {
    if (schema >= 128) return { [HOSTILE]: madeFor(schema - 128, depth + 1) };
    if (schema >= 64) return [madeFor(schema - 64, depth + 1), HOSTILE_ARGUMENT];
    if (schema === 0) return HOSTILE;
    return schema === 2 ? true : 1;
  }
  // An operation that answers nothing.
  if (!Array.isArray(schema)) return {};
  const [kind] = schema;
  if (kind === 0) return madeFor(schema[3], depth + 1);
  if (kind === 1) return [madeFor(schema.at(-1), depth + 1)];
  if (kind === 2) return { [HOSTILE]: madeFor(schema.at(-1), depth + 1) };
  const [names = [], members = []] = schema.slice(4) as [string[]?, unknown[]?];
  return Object.fromEntries(
    names.flatMap((name, index) => (TOKENS.includes(name) ? [] : [[name, memberFor(name, members[index], depth + 1)]])),
  );
}

/** A command finds what it has been told to look for. */
function memberFor(name: string, schema: unknown, depth: number): unknown {
  return schema === 0 && /^(application|deploymentGroup)Name$/.test(name) ? HOSTILE_ARGUMENT : madeFor(schema, depth);
}

/** Strings of any content in the places of the types that the protocol knows. */
type Harmful<T> = T extends string
  ? string
  : T extends readonly (infer Member)[]
    ? readonly Harmful<Member>[]
    : T extends object
      ? { readonly [Name in keyof T]: Harmful<T[Name]> }
      : T;

const WAIT = {
  targetId: HOSTILE,
  lifecycleEventName: HOSTILE,
  sinceTime: 1,
  heardOfTime: 1,
  giveUpTime: 2,
  lastCall: HOSTILE,
  lastAnswer: HOSTILE,
};

const GIT_TOKEN = { tokenName: HOSTILE, url: HOSTILE, userName: HOSTILE, applications: [HOSTILE], createTime: 1 };
const TOKEN = {
  ...{ tokenId: HOSTILE, madeBy: HOSTILE, description: HOSTILE, tags: [{ Key: HOSTILE, Value: HOSTILE }] },
  ...{ instanceName: HOSTILE, takeOver: true, uses: 1, usesLeft: 1, createTime: 1, expireTime: 2 },
};

const HISTORY = {
  ...{ deploymentId: HOSTILE, applicationName: HOSTILE, deploymentGroupName: HOSTILE, createTime: 1 },
  ...{ creator: HOSTILE, actor: HOSTILE, actorDescription: HOSTILE },
  revision: { revisionType: HOSTILE, s3Location: { bucket: HOSTILE, key: HOSTILE, bundleType: HOSTILE } },
};

const FILE = {
  ...{ path: HOSTILE, kind: 'symlink', sizeBytes: 1, mode: HOSTILE, linkTarget: HOSTILE, crc32: HOSTILE },
} as const;

const SETTING = {
  ...{ name: HOSTILE, isConfigured: true, kind: HOSTILE, place: HOSTILE, usedByCount: 1 },
  usedBy: [{ applicationName: HOSTILE, deploymentGroupName: HOSTILE }],
};

const GROUP_HOOKS = {
  hooks: [{ lifecycleEventName: HOSTILE, hook: HOSTILE }],
  parameters: [{ name: HOSTILE, value: HOSTILE }],
  payload: HOSTILE,
};

/** Held to the protocol's types: an operation that is new has to be added. */
const CONTROL: { readonly [Name in keyof ControlOperations]: Harmful<ControlOperations[Name]['output']> } = {
  StopDeploymentNow: { status: HOSTILE, statusMessage: HOSTILE },
  SearchResources: {
    resources: [{ kind: HOSTILE, name: HOSTILE, applicationName: HOSTILE, revision: HISTORY.revision }],
  },
  PutDeploymentGroupHooks: GROUP_HOOKS,
  DescribeDeploymentGroupHooks: GROUP_HOOKS,
  PlanDeployment: {
    calls: [{ event: HOSTILE, minute: 1, call: HOSTILE, answer: HOSTILE }],
    errorInformation: { code: HOSTILE, message: HOSTILE },
  },
  DescribeDeploymentProgress: {
    events: [
      {
        ...{ lifecycleEventName: HOSTILE, fleet: HOSTILE, hook: HOSTILE },
        ...{ pendingCount: 0, inProgressCount: 0, succeededCount: 1, failedCount: 0, skippedCount: 0, unknownCount: 0 },
      },
    ],
    phases: [{ name: HOSTILE, status: HOSTILE, startTime: 1, untilTime: 2 }],
    traffic: { percent: 10, intervalSeconds: 60, steps: [{ percent: 10, status: HOSTILE, time: 1 }] },
  },
  DescribeRevisionContent: {
    ...{ sizeBytes: 1, files: [FILE], appSpec: { path: HOSTILE, text: HOSTILE, isComplete: false } },
    incompleteBecause: HOSTILE,
    difference: {
      ...{ comparedWith: HISTORY.revision, added: [FILE], removed: [FILE], changed: [{ before: FILE, after: FILE }] },
      ...{ sameCount: 1, appSpec: [{ kind: 'added', lines: [HOSTILE] }], incompleteBecause: HOSTILE },
    },
  },
  DescribeServerSettings: { asksAws: false, loadBalancers: [SETTING], alarms: [SETTING], noticeTargets: [SETTING] },
  DescribeDeploymentWaits: {
    waits: ['not-started', 'silence', HOSTILE].map((reason) => ({ ...WAIT, reason })),
  },
  CreateAccessKey: { accessKeyId: HOSTILE, secretAccessKey: HOSTILE, role: HOSTILE, hostArn: HOSTILE },
  ListAccessKeys: {
    accessKeys: [
      {
        ...{
          accessKeyId: HOSTILE,
          role: HOSTILE,
          hostArn: HOSTILE,
          description: HOSTILE,
          createTime: 1,
          disabled: false,
          issuer: HOSTILE,
        },
        scope: { applications: [HOSTILE], groups: [HOSTILE], hostTags: [{ Key: HOSTILE, Value: HOSTILE }] },
      },
    ],
  },
  DisableAccessKey: {},
  EnableAccessKey: {},
  CreateEnrolmentToken: { ...TOKEN, token: HOSTILE },
  ListEnrolmentTokens: { tokens: [TOKEN] },
  RevokeEnrolmentToken: {},
  PutGitToken: GIT_TOKEN,
  ListGitTokens: { tokens: [GIT_TOKEN] },
  ListAuditEntries: {
    entries: [
      {
        ...{ time: 1, requestId: HOSTILE, actor: HOSTILE, role: HOSTILE, operation: HOSTILE },
        ...{ applicationName: HOSTILE, deploymentGroupName: HOSTILE, deploymentId: HOSTILE },
        ...{ instanceNames: HOSTILE, made: HOSTILE, request: { a: HOSTILE } },
      },
    ],
  },
  ListRevisionHistory: {
    entries: [{ ...HISTORY, status: HOSTILE, completeTime: 1, hosts: { [HOSTILE]: 1 }, hostsNow: 1 }],
  },
  ListHostHistory: {
    entries: [{ ...HISTORY, instanceName: HOSTILE, status: HOSTILE, statusTime: 1, fleet: HOSTILE, isOnHostNow: true }],
  },
  ListHostRevisions: {
    entries: [
      {
        ...{ instanceName: HOSTILE, applicationName: HOSTILE, deploymentGroupName: HOSTILE },
        ...{ revision: HISTORY.revision, health: HOSTILE, sinceTime: 1 },
      },
    ],
  },
  ListNotices: {
    notices: [
      {
        ...{ time: 1, deploymentId: HOSTILE, event: HOSTILE, subject: HOSTILE, trigger: HOSTILE, target: HOSTILE },
        ...{ state: HOSTILE, tries: 1, lastTryTime: 1, lastAnswer: HOSTILE, endTime: 1 },
      },
    ],
  },
  DescribeServer: {
    version: HOSTILE,
    region: HOSTILE,
    accountId: HOSTILE,
    s3Endpoint: HOSTILE,
    revisionBucket: HOSTILE,
    signerCaCertificatePem: HOSTILE,
    signsOrders: true,
  },
  ListEventLogs: {
    logs: [
      {
        ...{ targetId: HOSTILE, lifecycleEventName: HOSTILE, status: HOSTILE },
        ...{ firstByte: 0, endByte: 9, lastWriteTime: 1 },
      },
    ],
  },
  GetEventLog: { firstByte: 0, text: HOSTILE, nextByte: 9, status: HOSTILE },
  DescribeHosts: {
    hosts: [true, false].map((registered) => ({
      instanceName: HOSTILE,
      hostArn: HOSTILE,
      registered,
      lastPollTime: 1,
      agentVersion: HOSTILE,
      identityIsShared: registered,
      keysDisabled: registered,
      tags: [{ Key: HOSTILE, Value: HOSTILE }],
    })),
  },
};
