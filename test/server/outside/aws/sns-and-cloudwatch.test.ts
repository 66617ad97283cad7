/** Topics of SNS and alarms of CloudWatch: against an emulator that others have made, and against a server that answers as the test says. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAlarms } from '../../../../src/server/outside/alarms.ts';
import { createAwsRegions } from '../../../../src/server/outside/aws/aws.ts';
import { createCloudWatchReader } from '../../../../src/server/outside/aws/cloudwatch.ts';
import { loadOptional } from '../../../../src/server/outside/aws/optional-client.ts';
import { createTopics } from '../../../../src/server/outside/aws/sns.ts';
import { messageIdOf, type OutgoingNotice } from '../../../../src/server/outside/notice-target.ts';
import { createNoticeTargets } from '../../../../src/server/outside/notice-targets.ts';
import { systemClock } from '../../../../src/system/clock.ts';
import { eventually } from '../../../support/eventually.ts';
import { type Answer, answeringServer } from '../../../support/http-server.ts';
import { describeWithMoto, type Moto, startMoto } from '../../../support/moto.ts';

const REGION = 'us-east-1';
const soon = () => AbortSignal.timeout(15_000);
const topic = (name: string) => `arn:aws:sns:${REGION}:123456789012:${name}`;
const noticeTo = (target: string): OutgoingNotice => ({
  ...{
    messageId: messageIdOf('d-1//DeploymentFailure/ops'),
    target,
    event: 'DeploymentFailure',
    subject: 'Failed: d-1',
  },
  ...{ message: '{"status":"Failed"}', madeAtMs: 0, deploymentId: 'd-1' },
});

afterAll(() => vi.unstubAllEnvs());

test.each([
  [topic('releases'), true],
  [topic('releases.fifo'), true],
  ['arn:aws-us-gov:sns:us-gov-west-1:123456789012:a_b-1', true],
  ['arn:aws-cn:sns:cn-north-1:123456789012:a', true],
  ['chat', true],
  ['arn:aws:sns:us-east-1:123456789012:a:subscription', false],
  ['arn:aws:sns:us-east-1.example.com:123456789012:a', false],
  ['arn:aws:sns:x@evil-1:123456789012:a', false],
  ['arn:aws:sns::123456789012:a', false],
  ['arn:aws:sqs:us-east-1:123456789012:a', false],
  ['http://169.254.169.254/', false],
  ['', false],
])('a trigger may name %s: %s', (target, isKnown) => {
  const send = async () => ({ ending: 'sent', answer: '' }) as const;
  expect(createNoticeTargets(new Map([['chat', send]]), () => send).find(target) !== null).toBe(isKnown);
});

test('a package that is missing is named where the answer is read, with the command that installs it', async () => {
  const missing = (name: string) => loadOptional(name, () => import(`${name}-that-is-nowhere`));
  const topics = createTopics(() => missing('@aws-sdk/client-sns'));
  const { ending, answer } = await topics(REGION)(noticeTo(topic('releases')), soon());
  expect({ ending, answer }).toEqual({
    ending: 'failed',
    answer: expect.stringContaining('npm install --global @aws-sdk/client-sns'),
  });
  const readings = await createCloudWatchReader(() => missing('@aws-sdk/client-cloudwatch'))(
    REGION,
    ['errors'],
    soon(),
  );
  expect(readings.get('errors')).toEqual({
    ...{ state: 'unreadable', detail: expect.stringContaining('npm install --global @aws-sdk/client-cloudwatch') },
  });
});

describeWithMoto('with moto in the place of AWS', () => {
  let moto: Moto;
  const awsIn = createAwsRegions({ clock: systemClock, env: process.env });
  const topics = createTopics((region) => awsIn(region).topics());
  const readCloudWatch = createCloudWatchReader((region) => awsIn(region).cloudWatch());
  beforeAll(async () => {
    moto = await startMoto();
    for (const [name, value] of Object.entries(moto.env('SNS', 'CLOUDWATCH'))) vi.stubEnv(name, value);
  });
  afterAll(() => moto[Symbol.asyncDispose]());

  test('a notice to a topic reaches those who subscribe to it, with its event as an attribute', async () => {
    await using subscriber = await answeringServer(() => ({}));
    const sns = await awsIn(REGION).topics();
    const { TopicArn } = await sns.createTopic({ Name: 'releases' });
    expect(TopicArn).toBe(topic('releases'));
    await sns.subscribe({ TopicArn, Protocol: 'http', Endpoint: `${subscriber.url}/sns` });
    expect(await topics(REGION)(noticeTo(topic('releases')), soon())).toEqual({
      ...{ ending: 'sent', answer: expect.stringMatching(/^published as \S+$/) },
    });
    await eventually(() => subscriber.received.some(({ body }) => body.includes('"Notification"')));
    const [envelope] = subscriber.received.flatMap(({ body }) => (body.includes('"Notification"') ? [body] : []));
    expect(JSON.parse(envelope?.toString() ?? '')).toMatchObject({
      ...{ TopicArn, Subject: 'Failed: d-1', Message: '{"status":"Failed"}' },
    });
  });

  test('a topic that is missing, and one in order, are told apart', async () => {
    const sns = await awsIn(REGION).topics();
    expect(await topics(REGION)(noticeTo(topic('nobody')), soon())).toMatchObject({
      ...{ ending: 'failed', answer: expect.stringContaining('NotFound') },
    });
    await sns.createTopic({ Name: 'ordered.fifo', Attributes: { FifoTopic: 'true' } });
    expect(await topics(REGION)(noticeTo(topic('ordered.fifo')), soon())).toMatchObject({ ending: 'sent' });
  });

  test('alarms are read by their states, and one that there is not cannot be read', async () => {
    const cloudWatch = await awsIn(REGION).cloudWatch();
    const metric = {
      MetricName: 'errors',
      Namespace: 'shop',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
    } as const;
    for (const [AlarmName, StateValue] of [
      ['calm', 'OK'],
      ['errors', 'ALARM'],
      ['new', 'INSUFFICIENT_DATA'],
    ] as const) {
      await cloudWatch.putMetricAlarm({
        AlarmName,
        ...metric,
        Threshold: 5,
        ComparisonOperator: 'GreaterThanThreshold',
      });
      await cloudWatch.setAlarmState({ AlarmName, StateValue, StateReason: 'the test says so' });
    }
    const known = new Map([['front', { region: REGION, name: 'errors' }]]);
    const alarms = createAlarms(known, REGION, readCloudWatch);
    const readings = await alarms.read(['calm', 'errors', 'new', 'nobody', 'front'], soon());
    expect(Object.fromEntries([...readings].map(([name, { state }]) => [name, state]))).toEqual({
      ...{ calm: 'ok', errors: 'alarm', new: 'ok', nobody: 'unreadable', front: 'alarm' },
    });
    expect(readings.get('errors')?.detail).toContain('ALARM: the test says so');
    expect(readings.get('nobody')?.detail).toBe('CloudWatch in us-east-1 has no alarm nobody');
  });
});

describe('alarms of CloudWatch', () => {
  async function cloudWatch(answer: (body: string, index: number) => Answer) {
    const server = await answeringServer(({ body }, index) => answer(body.toString(), index));
    vi.stubEnv('AWS_ENDPOINT_URL_CLOUDWATCH', server.url);
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATEST');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of a test');
    const awsIn = createAwsRegions({ clock: systemClock, env: process.env });
    const alarms = createAlarms(
      new Map(),
      REGION,
      createCloudWatchReader((region) => awsIn(region).cloudWatch()),
    );
    return { server, alarms };
  }
  const json = { 'content-type': 'application/x-amz-json-1.0' };

  test('are asked for with one call for a hundred names, of all types, and page by page', async () => {
    const names = Array.from({ length: 101 }, (_, index) => `alarm-${index}`);
    const asked: { AlarmNames: string[]; AlarmTypes: string[]; NextToken?: string }[] = [];
    const { server, alarms } = await cloudWatch((body) => {
      const request = JSON.parse(body) as (typeof asked)[number];
      asked.push(request);
      const { AlarmNames, NextToken } = request;
      const half = NextToken === undefined ? AlarmNames.slice(0, 50) : AlarmNames.slice(50);
      const states = half.map((AlarmName) => ({ AlarmName, StateValue: 'OK', StateReason: '' }));
      const [first, ...rest] = states;
      const isFirstPage = NextToken === undefined && AlarmNames.length > 50;
      const answer = { MetricAlarms: rest, CompositeAlarms: [first], ...(isFirstPage ? { NextToken: 'more' } : {}) };
      return { headers: json, body: JSON.stringify(answer) };
    });
    await using _ = server;
    const readings = await alarms.read(names, soon());
    expect([...readings.values()].filter(({ state }) => state === 'ok')).toHaveLength(101);
    expect(asked.map(({ AlarmNames }) => AlarmNames.length).sort()).toEqual([1, 100, 100]);
    expect(asked[0]?.AlarmTypes).toEqual(['MetricAlarm', 'CompositeAlarm', 'LogAlarm']);
  });

  test('alarms of CloudWatch of several deployments that are looked at together are asked for with one call', async () => {
    const asked: string[][] = [];
    const { server, alarms } = await cloudWatch((body) => {
      const { AlarmNames } = JSON.parse(body) as { AlarmNames: string[] };
      asked.push(AlarmNames);
      const MetricAlarms = AlarmNames.map((AlarmName) => ({ AlarmName, StateValue: 'OK', StateReason: '' }));
      return { headers: json, body: JSON.stringify({ MetricAlarms }) };
    });
    await using _ = server;
    const lists = [['a', 'b'], ['b', 'c'], ['d']];
    const readings = await Promise.all(lists.map((names) => alarms.read(names, soon())));
    expect(readings.map((found) => [...found.keys()])).toEqual(lists);
    expect(asked).toEqual([['a', 'b', 'c', 'd']]);
    await alarms.read(['a'], soon());
    expect(asked).toHaveLength(2);
  });

  test.each<[string, Answer]>([
    ['throttles', { status: 400, headers: json, body: '{"__type":"ThrottlingException","message":"slow down"}' }],
    ['does not know the caller', { status: 403, headers: json, body: '{"__type":"AccessDenied","message":"no"}' }],
    ['answers no JSON', { status: 500, body: '<html>' }],
  ])('cannot be read where CloudWatch %s, and the reading says why', async (_, answer) => {
    const { server, alarms } = await cloudWatch(() => answer);
    await using _server = server;
    const reading = (await alarms.read(['errors'], soon())).get('errors');
    expect(reading).toMatchObject({ state: 'unreadable', detail: expect.stringContaining('could not be asked: ') });
  });

  test('cannot be read where CloudWatch does not answer in time', async () => {
    const { server, alarms } = await cloudWatch(() => new Promise<Answer>(() => undefined) as never);
    await using _ = server;
    const readings = await alarms.read(['errors'], AbortSignal.timeout(300));
    expect(readings.get('errors')?.state).toBe('unreadable');
  });
});
