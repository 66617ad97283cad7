import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createAwsClients } from '../../../../src/server/outside/aws/aws.ts';
import { createFleetReader } from '../../../../src/server/outside/aws/fleet.ts';
import { type Ec2TagFilter, matchesAll, questionsFor } from '../../../../src/server/outside/aws/instance-filters.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { type AwsCall, AwsRefusal, type AwsStandIn, SILENCE, startAwsStandIn } from '../../../support/aws-stand-in.ts';
import { answeringServer, httpServer } from '../../../support/http-server.ts';

let aws: AwsStandIn;
beforeEach(async () => {
  aws = await startAwsStandIn();
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await aws[Symbol.asyncDispose]();
});

const read = (request: { filterLists?: Ec2TagFilter[][]; autoScalingGroups?: string[] }, limitMs = 15_000) =>
  createFleetReader(createAwsClients('eu-central-1', { clock: systemClock, env: process.env }))(
    { filterLists: [], autoScalingGroups: [], ...request },
    AbortSignal.timeout(limitMs),
  );
const instance = (id: string, tags: Readonly<Record<string, string>>) => ({
  ...{ instanceId: id, placement: { availabilityZone: 'eu-central-1b' } },
  tagSet: Object.entries(tags).map(([key, value]) => ({ key, value })),
});

test('instances are found by their tags, page by page, and what EC2 takes for a wildcard is meant by its letters', async () => {
  aws.answers['DescribeInstances'] = ({ params }: AwsCall) => {
    const isSecond = params['NextToken'] === 'more';
    const instancesSet = isSecond
      ? [
          instance('i-00000002', { Role: 'w*b', Team: 'a & b <c>' }),
          instance('i-00000003', { Role: 'web', Team: 'a & b <c>' }),
        ]
      : [instance('i-00000001', { Role: 'w*b' })];
    return { reservationSet: [{ ownerId: '123456789012', instancesSet }], ...(isSecond ? {} : { nextToken: 'more' }) };
  };
  const found = await read({
    filterLists: [
      [{ Key: 'Role', Value: 'w*b', Type: 'KEY_AND_VALUE' }],
      [
        { Key: 'Team', Type: 'KEY_ONLY' },
        { Value: 'a & b <c>', Type: 'VALUE_ONLY' },
      ],
    ],
  });
  expect(found).toEqual([
    {
      ...{ id: 'i-00000002', arn: 'arn:aws:ec2:eu-central-1:123456789012:instance/i-00000002', zone: 'eu-central-1b' },
      ...{ autoScalingGroup: null, stage: 'in-service' },
    },
  ]);
  expect(aws.calls).toHaveLength(2);
  expect(aws.calls[0]?.params).toMatchObject({
    ...{ 'Filter.1.Name': 'tag:Role', 'Filter.1.Value.1': 'w\\*b', 'Filter.2.Name': 'instance-state-name' },
    ...{ 'Filter.2.Value.1': 'pending', 'Filter.2.Value.4': 'stopped' },
  });
});

test('members of Auto Scaling groups are in service, or wait for an answer; those that come and go by themselves are none', async () => {
  const states = [
    'InService',
    'Pending:Wait',
    'Terminating:Wait',
    'Pending',
    'Standby',
    'Warmed:Stopped',
    'Terminated',
  ];
  aws.answers['DescribeAutoScalingGroups'] = () => ({
    AutoScalingGroups: [
      {
        AutoScalingGroupName: 'web',
        AutoScalingGroupARN:
          'arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1:autoScalingGroupName/web',
        Instances: states.map((LifecycleState, at) => ({
          InstanceId: `i-0000000${at}`,
          AvailabilityZone: 'a',
          LifecycleState,
        })),
      },
    ],
  });
  // Its tags say that it is a host; Auto Scaling says that it stands by.
  aws.answers['DescribeInstances'] = () => ({
    reservationSet: [{ ownerId: '1', instancesSet: [instance('i-00000004', { Role: 'web' })] }],
  });
  const found = await read({ autoScalingGroups: ['web'], filterLists: [[{ Key: 'Role', Value: 'web' }]] });
  expect(found.map(({ id, stage }) => [id, stage])).toEqual([
    ['i-00000000', 'in-service'],
    ['i-00000001', 'launching'],
    ['i-00000002', 'terminating'],
  ]);
  await expect(read({ autoScalingGroups: ['web', 'gone'] })).rejects.toMatchObject({
    ...{ trouble: 'missing', answer: 'there is no Auto Scaling group gone' },
  });
});

test('instances of a warm pool are no hosts whatever their tags say, and those on their way into it wait for an answer', async () => {
  aws.answers['DescribeAutoScalingGroups'] = () => ({
    AutoScalingGroups: [
      {
        AutoScalingGroupName: 'web',
        AutoScalingGroupARN:
          'arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1:autoScalingGroupName/web',
        WarmPoolConfiguration: { MinSize: 1 },
        Instances: [{ InstanceId: 'i-00000001', LifecycleState: 'InService' }],
      },
    ],
  });
  const pages = { first: ['Warmed:Stopped', 'Warmed:Running'], second: ['Warmed:Pending:Wait', 'Warmed:Pending'] };
  aws.answers['DescribeWarmPool'] = ({ params }) => {
    const page = params['NextToken'] === undefined ? 'first' : 'second';
    return {
      ...(page === 'first' ? { NextToken: 'more' } : {}),
      Instances: pages[page].map((LifecycleState, at) => ({
        InstanceId: `i-0000001${page === 'first' ? at : at + 2}`,
        LifecycleState,
      })),
    };
  };
  aws.answers['DescribeInstances'] = () => ({
    reservationSet: [{ ownerId: '1', instancesSet: [instance('i-00000010', { Role: 'web' })] }],
  });
  const found = await read({ autoScalingGroups: ['web'], filterLists: [[{ Key: 'Role', Value: 'web' }]] });
  expect(found.map(({ id, stage }) => [id, stage])).toEqual([
    ['i-00000001', 'in-service'],
    ['i-00000012', 'warming'],
  ]);
  aws.answers['DescribeWarmPool'] = () => new AwsRefusal(403, 'AccessDenied');
  await expect(read({ autoScalingGroups: ['web'] })).rejects.toMatchObject({ call: 'DescribeWarmPool web' });
});

test.each<[string, AwsRefusal | typeof SILENCE, object]>([
  ['throttles', new AwsRefusal(503, 'RequestLimitExceeded', 'Request limit exceeded.'), { trouble: 'throttled' }],
  ['is overloaded', new AwsRefusal(500, 'InternalError'), { trouble: 'away' }],
  ['finds credentials expired', new AwsRefusal(400, 'RequestExpired'), { trouble: 'denied' }],
  ['does not allow it', new AwsRefusal(403, 'UnauthorizedOperation'), { trouble: 'denied' }],
  ['knows no such filter', new AwsRefusal(400, 'InvalidParameterValue'), { trouble: 'refused' }],
  ['answers what is no XML', new AwsRefusal(502, '<<<'), { trouble: 'away' }],
  ['does not answer', SILENCE, { trouble: 'away', answer: 'there was no answer in time' }],
])('EC2 that %s fails the reading by name', async (_title, answer, fault) => {
  aws.answers['DescribeInstances'] = () => answer;
  await expect(read({ filterLists: [[{ Key: 'Role', Type: 'KEY_ONLY' }]] }, 1_000)).rejects.toMatchObject({
    ...{ name: 'AwsFault', call: 'DescribeInstances tag-key', ...fault },
  });
});

test.each([
  ['a page of somebody else', '<html><body>Sign in</body></html>', 'the answer is no DescribeInstancesResponse'],
  ['JSON', '{"__type":"UnknownOperationException"}', 'the answer is no DescribeInstancesResponse'],
  ['nothing', '', 'the answer is no DescribeInstancesResponse'],
])('%s in the place of an answer of EC2 is no word on how many instances there are', async (_title, body, answer) => {
  await using other = await answeringServer(() => ({ body }));
  vi.stubEnv('AWS_ENDPOINT_URL', other.url);
  await expect(read({ filterLists: [[{ Key: 'Role', Type: 'KEY_ONLY' }]] })).rejects.toMatchObject({
    ...{ name: 'AwsFault', trouble: 'away', answer },
  });
});

test('an answer of EC2 that has no end is read up to its limit', async () => {
  let written = 0;
  await using endless = await httpServer((_request, response) => {
    const piece = Buffer.alloc(1024 * 1024, ' ');
    const write = () => {
      while (!response.destroyed && response.write(piece)) written += 1;
      written += 1;
    };
    response.on('drain', write);
    write();
  });
  vi.stubEnv('AWS_ENDPOINT_URL', endless.url);
  await expect(read({ filterLists: [[{ Key: 'Role', Type: 'KEY_ONLY' }]] })).rejects.toMatchObject({
    ...{ name: 'AwsFault', answer: 'TooLong: the answer has more than 33554432 bytes' },
  });
  expect(written).toBeLessThan(64);
});

test('pages of EC2 that have no end are no fleet', async () => {
  aws.answers['DescribeInstances'] = () => ({ nextToken: 'more' });
  await expect(read({ filterLists: [[{ Key: 'Role', Type: 'KEY_ONLY' }]] })).rejects.toMatchObject({
    ...{ name: 'AwsFault', trouble: 'limit', answer: 'more than 100 pages of instances match the filter' },
  });
});

/** A filter's value as EC2 takes it. */
function isLike(text: string, pattern: string): boolean {
  const parts = pattern.match(/\\.|[\s\S]/g) ?? [];
  const matches = (at: number, part: number): boolean => {
    const next = parts[part];
    if (next === undefined) return at === text.length;
    if (next === '*') return matches(at, part + 1) || (at < text.length && matches(at + 1, part));
    return (
      at < text.length && (next === '?' || text[at] === next.replace(/^\\(?=.)/s, '')) && matches(at + 1, part + 1)
    );
  };
  return matches(0, 0);
}

const word = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '\\'), maxLength: 3 });
const filters = fc.array(
  fc.record({ Key: word, Value: word, Type: fc.constantFrom('KEY_ONLY', 'VALUE_ONLY', 'KEY_AND_VALUE') }),
  { minLength: 1, maxLength: 3 },
);

test('the questions to EC2 leave out no instance that the filters mean, and the answers are those instances alone', () => {
  fc.assert(
    fc.property(
      fc.array(filters, { minLength: 1, maxLength: 3 }),
      fc.array(fc.dictionary(word, word, { maxKeys: 3, noNullPrototype: true }), { maxLength: 6 }),
      (lists, instances) => {
        const tagged = instances.map((tags) => new Map(Object.entries(tags)));
        const found = tagged.filter((tags) =>
          questionsFor(lists).some(([question]) => {
            const { name = '', values: [value = ''] = [] } = question ?? {};
            if (name === 'tag-key') return [...tags.keys()].some((key) => isLike(key, value));
            if (name === 'tag-value') return [...tags.values()].some((text) => isLike(text, value));
            return isLike(tags.get(name.slice('tag:'.length)) ?? '\0', value);
          }),
        );
        const meant = tagged.filter((tags) =>
          lists.every((list) =>
            list.some(({ Key, Value, Type }) =>
              [...tags].some(
                ([key, text]) => (Type === 'VALUE_ONLY' || key === Key) && (Type === 'KEY_ONLY' || text === Value),
              ),
            ),
          ),
        );
        expect(found.filter((tags) => matchesAll(tags, lists))).toEqual(meant);
      },
    ),
  );
});
