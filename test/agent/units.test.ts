import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { pollBackoffMs, retryDelayMs } from '../../src/agent/backoff.ts';
import { controlEndpoint } from '../../src/agent/endpoint.ts';
import { resolveIdentity } from '../../src/agent/identity.ts';
import { openLedger } from '../../src/agent/ledger.ts';
import { createOutbox } from '../../src/agent/outbox.ts';
import { createPace } from '../../src/agent/pace.ts';
import { nextPoll, poll } from '../../src/agent/poller.ts';
import { createRetryGate } from '../../src/agent/retry-gate.ts';
import { SlipwayError } from '../../src/errors.ts';
import { type Logger, silentLogger } from '../../src/logging/logger.ts';
import type { CommandOutcome } from '../../src/protocol/diagnostics.ts';
import { RemoteApiError } from '../../src/protocol/errors.ts';
import type { HostCommand } from '../../src/protocol/host-command/shapes.ts';
import { manualClock } from '../support/clock.ts';
import { scratchFolder } from '../support/scratch.ts';

const OUTCOME: CommandOutcome = {
  status: 'Succeeded',
  diagnostics: { errorCode: 0, scriptName: '', message: 'Succeeded', log: '' },
};
const command = (id: string): HostCommand => ({
  HostCommandIdentifier: id,
  HostIdentifier: 'arn:h',
  DeploymentExecutionId: 'a/b/c/d',
  CommandName: 'Install',
});

describe('waiting after failures', () => {
  test('follows the official agents’ table', () => {
    const table = Array.from({ length: 12 }, (_, n) => pollBackoffMs(n, 0) / 1000);
    expect(table).toEqual([0, 10, 13, 17, 21, 27, 34, 44, 56, 71, 90, 90]);
  });
  test('is shortened by the time that the attempt took', () => {
    expect(pollBackoffMs(1, 3_001)).toBe(6_000);
    expect(pollBackoffMs(1, 80_000)).toBe(0);
    expect(() => pollBackoffMs(-1, 0)).toThrow(RangeError);
  });
  test('of a question grows to a minute', () => {
    expect([1, 2, 6, 50].map(retryDelayMs)).toEqual([1_000, 2_000, 32_000, 60_000]);
  });
});

describe('the control endpoint', () => {
  const config = {
    deployControlEndpoint: null,
    allowInsecureEndpoint: false,
    enableAuthPolicy: false,
    useFipsMode: false,
  };
  test.each([
    [config, 'eu-west-1', 'https://codedeploy-commands.eu-west-1.amazonaws.com'],
    [config, 'cn-north-1', 'https://codedeploy-commands.cn-north-1.amazonaws.com.cn'],
    [config, 'eusc-de-east-1', 'https://codedeploy-commands.eusc-de-east-1.amazonaws.eu'],
    [
      { ...config, enableAuthPolicy: true, useFipsMode: true },
      'us-east-1',
      'https://codedeploy-commands-secure-fips.us-east-1.amazonaws.com',
    ],
    [{ ...config, deployControlEndpoint: 'http://127.0.0.1:8400' }, 'x', 'http://127.0.0.1:8400'],
    [{ ...config, deployControlEndpoint: 'http://deploy:1', allowInsecureEndpoint: true }, 'x', 'http://deploy:1'],
  ])('%#: %j in %s is %s', (settings, region, endpoint) => {
    expect(controlEndpoint(settings, region)).toBe(endpoint);
  });
  test('in clear text over a network is refused, and so are odd regions', () => {
    expect(() => controlEndpoint({ ...config, deployControlEndpoint: 'http://deploy:1' }, 'x')).toThrow(/clear text/);
    expect(() => controlEndpoint(config, 'evil.example.com/')).toThrow(/no region’s name/);
    expect(() => controlEndpoint({ ...config, useFipsMode: true }, 'eu-west-1')).toThrow(/no FIPS endpoint/);
  });
});

describe('the ledger', () => {
  const open = (rootDir: string, clock = manualClock()) =>
    openLedger({ rootDir, trackingFolder: 'ongoing-deployment', clock, log: silentLogger });
  const begun = { hostCommandIdentifier: 'id/with:odd*chars', deploymentId: 'd-1', commandName: 'Install' };

  test('knows after a restart what was running, and what is still to be reported', () => {
    using scratch = scratchFolder();
    const before = open(scratch.path);
    before.begin(begun);
    before.begin({ ...begun, hostCommandIdentifier: 'two', deploymentId: 'd-2' });
    before.finish('two', OUTCOME);
    expect(readFileSync(scratch.at('ongoing-deployment', 'd-1'), 'utf8')).toBe(begun.hostCommandIdentifier);
    expect(existsSync(scratch.at('ongoing-deployment', 'd-2'))).toBe(false);
    const after = open(scratch.path);
    expect(after.inState('running')).toMatchObject([begun]);
    expect(after.inState('finished')).toMatchObject([{ hostCommandIdentifier: 'two', outcome: OUTCOME }]);
  });

  test('keeps the tracking file of a deployment until its last command has ended', () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = open(scratch.path, clock);
    const tracked = () => readFileSync(scratch.at('ongoing-deployment', 'd-1'), 'utf8');
    ledger.begin({ ...begun, hostCommandIdentifier: 'one' });
    clock.advance(1);
    ledger.begin({ ...begun, hostCommandIdentifier: 'two' });
    ledger.finish('two', OUTCOME);
    expect(tracked()).toBe('one');
    ledger.begin({ ...begun, hostCommandIdentifier: 'three' });
    ledger.withdraw('three');
    expect(tracked()).toBe('one');
    ledger.finish('one', OUTCOME);
    expect(existsSync(scratch.at('ongoing-deployment', 'd-1'))).toBe(false);
  });

  test('forgets what was reported after an hour, and everything after a day', () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = open(scratch.path, clock);
    ledger.begin(begun);
    ledger.finish(begun.hostCommandIdentifier, OUTCOME);
    ledger.settle(begun.hostCommandIdentifier);
    clock.advance(30 * 60_000);
    expect(open(scratch.path, clock).find(begun.hostCommandIdentifier)?.state).toBe('settled');
    clock.advance(31 * 60_000);
    expect(open(scratch.path, clock).find(begun.hostCommandIdentifier)).toBeNull();
  });

  test('is not stopped by a file that it cannot read, and takes over what another agent was running', () => {
    using scratch = scratchFolder();
    const clock = manualClock(Date.now());
    open(scratch.path, clock);
    writeFileSync(scratch.at('.slipway', 'commands', 'torn.json'), '{"hostComm');
    writeFileSync(scratch.at('ongoing-deployment', 'd-9'), 'foreign-command\n');
    expect(open(scratch.path, clock).inState('running')).toMatchObject([
      { hostCommandIdentifier: 'foreign-command', deploymentId: 'd-9' },
    ]);
  });
});

describe('the outbox', () => {
  test('sends an outcome until it is taken', async () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = openLedger({ rootDir: scratch.path, trackingFolder: 't', clock, log: silentLogger });
    ledger.begin({ hostCommandIdentifier: 'one', deploymentId: 'd-1', commandName: 'Install' });
    ledger.finish('one', OUTCOME);
    let tries = 0;
    const client = {
      async complete() {
        tries += 1;
        if (tries < 3) throw new SlipwayError('SERVER_UNREACHABLE', 'away');
      },
    };
    const outbox = createOutbox({
      client,
      ledger,
      gate: createRetryGate(clock, { fraction: () => 0 }),
      log: silentLogger,
    });
    outbox.send('one');
    outbox.send('one');
    for (const wait of [1000, 2000]) {
      expect(await clock.nextSleep()).toBe(wait);
      expect(ledger.find('one')?.state).toBe('finished');
      clock.advance(wait);
    }
    await outbox.drained();
    expect(tries).toBe(3);
    expect(ledger.find('one')?.state).toBe('settled');
  });

  test('gives up what the service refuses', async () => {
    using scratch = scratchFolder();
    const clock = manualClock();
    const ledger = openLedger({ rootDir: scratch.path, trackingFolder: 't', clock, log: silentLogger });
    ledger.begin({ hostCommandIdentifier: 'one', deploymentId: 'd-1', commandName: 'Install' });
    ledger.finish('one', OUTCOME);
    const refusal = new RemoteApiError({ type: 'ClientException', message: 'no such command', status: 400 });
    const outbox = createOutbox({
      client: { complete: () => Promise.reject(refusal) },
      ledger,
      gate: createRetryGate(clock, { fraction: () => 0 }),
      log: silentLogger,
    });
    outbox.send('one');
    await outbox.drained();
    expect(ledger.find('one')?.state).toBe('settled');
  });
});

describe('polling', () => {
  test.each([
    ['accepted', 0, false, 'at-once'],
    ['accepted', 0, true, 'after-pause'],
    ['duplicate', 1, false, 'at-once'],
    ['duplicate', 2, false, 'after-pause'],
    ['nothing', 0, false, 'after-pause'],
    ['no-slot', 0, false, 'after-pause'],
  ] as const)('after %s (%d in a row, throttled %s): %s', (acceptance, inARow, throttled, expected) => {
    expect(nextPoll(acceptance, inARow, throttled)).toBe(expected);
  });

  test('says once that the server is away, backs off, and says that it is back', async () => {
    const clock = manualClock();
    const said: string[] = [];
    const log: Logger = {
      ...silentLogger,
      warn: (message) => said.push(`warn ${message}`),
      info: (message) => said.push(`info ${message}`),
    };
    const stop = new AbortController();
    const answers: (() => HostCommand | null)[] = [
      ...Array<() => never>(3).fill(() => {
        throw new Error('away');
      }),
      () => null,
    ];
    const accepted: string[] = [];
    const held: boolean[] = [];
    const running = poll(
      {
        ...{
          clock,
          log,
          hostIdentifier: 'arn:h',
          pace: createPace(clock),
          gate: createRetryGate(clock, { fraction: () => 0 }),
          waitBetweenRunsMs: 1000,
          waitBetweenRunsActiveMs: 1000,
          random: { fraction: () => 0 },
          onAnswered: () => {},
        },
        client: {
          isThrottled: false,
          async pollHostCommand(_signal, mayHold = true) {
            held.push(mayHold);
            const next = answers.shift();
            if (next !== undefined) return next();
            stop.abort();
            return command('last');
          },
        },
        dispatcher: {
          hasSlot: true,
          isBusy: false,
          slotFreed: async () => {},
          accept: (one) => {
            accepted.push(one.HostCommandIdentifier);
            return 'accepted';
          },
        },
      },
      stop.signal,
    );
    for (const wait of [10_000, 13_000, 17_000]) {
      expect(await clock.nextSleep()).toBe(wait);
      clock.advance(wait);
    }
    await running;
    expect(said).toEqual([
      'warn polling failed; the agent goes on trying (slipway doctor looks for the cause)',
      'info polling works again',
    ]);
    expect(accepted).toEqual(['last']);
    // Until one was answered they ask not to be held; the one after that follows at once.
    expect(held).toEqual([false, false, false, false, true]);
  });
});

describe('the pause after a poll that brought nothing', () => {
  test.each([
    ['of another host', { ...command('c-1'), HostIdentifier: 'arn:other' }],
    ['without a name', { ...command('c-1'), CommandName: '' }],
  ])('a command %s is not run and counts as nothing', async (_what, foreign) => {
    const clock = manualClock();
    const stop = new AbortController();
    const accepted: string[] = [];
    const warnings: string[] = [];
    const answers = [null, foreign];
    const running = poll(
      {
        client: { isThrottled: false, pollHostCommand: async () => answers.shift() ?? null },
        dispatcher: {
          accept: ({ HostCommandIdentifier }) => {
            accepted.push(HostCommandIdentifier);
            return 'accepted';
          },
          hasSlot: true,
          isBusy: false,
          slotFreed: async () => {},
        },
        hostIdentifier: 'arn:h',
        pace: createPace(clock),
        gate: createRetryGate(clock, { fraction: () => 0 }),
        waitBetweenRunsMs: 30_000,
        waitBetweenRunsActiveMs: 30_000,
        clock,
        random: { fraction: () => 0 },
        log: { ...silentLogger, warn: (message) => warnings.push(message) },
        onAnswered: () => {},
      },
      stop.signal,
    );
    expect(await clock.nextSleep()).toBe(30_000);
    stop.abort();
    clock.advance(30_000);
    await running;
    expect(accepted).toEqual([]);
    expect(warnings).toEqual(['a poll was answered with a command that is not for this host']);
  });

  test('pauses as long as it is told while commands run', async () => {
    const clock = manualClock();
    const stop = new AbortController();
    let isBusy = true;
    const running = poll(
      {
        client: { isThrottled: false, pollHostCommand: async () => null },
        dispatcher: {
          accept: () => 'accepted',
          hasSlot: true,
          get isBusy() {
            return isBusy;
          },
          slotFreed: async () => {},
        },
        hostIdentifier: 'arn:h',
        pace: createPace(clock),
        gate: createRetryGate(clock, { fraction: () => 0 }),
        waitBetweenRunsMs: 30_000,
        waitBetweenRunsActiveMs: 2_000,
        clock,
        random: { fraction: () => 0 },
        log: silentLogger,
        onAnswered: () => {},
      },
      stop.signal,
    );
    expect(await clock.nextSleep()).toBe(2_000);
    isBusy = false;
    clock.advance(2_000);
    expect(await clock.nextSleep()).toBe(30_000);
    stop.abort();
    await running;
  });
});

describe('who the host is', () => {
  const clock = { now: () => Date.UTC(2026, 0, 1), sleep: async () => {} };

  test('on premises: what the file says, and never what the environment has', async () => {
    using scratch = scratchFolder();
    writeFileSync(
      scratch.at('op.yml'),
      'region: eu-west-1\niam_user_arn: arn:u\naws_access_key_id: AKIA\naws_secret_access_key: s\n',
      { mode: 0o600 },
    );
    const env = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'OTHER', AWS_SECRET_ACCESS_KEY: 'other' };
    const identity = await resolveIdentity(
      { onPremisesConfigFile: scratch.at('op.yml'), disableImdsV1: true },
      env,
      clock,
    );
    expect(identity).toMatchObject({ hostIdentifier: 'arn:u', region: 'eu-west-1' });
    expect(await identity.credentials()).toEqual({ accessKeyId: 'AKIA', secretAccessKey: 's' });
  });

  test('on EC2: what instance metadata says, by version 2', async () => {
    const asked: string[] = [];
    const imds = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const answers: Record<string, string> = {
        '/latest/api/token': 'TOKEN',
        '/latest/dynamic/instance-identity/document':
          '{"region":"us-west-2","accountId":"123456789012","instanceId":"i-abc"}',
        '/latest/meta-data/services/partition': 'aws',
        '/latest/meta-data/iam/security-credentials/': 'role\n',
        '/latest/meta-data/iam/security-credentials/role':
          '{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T06:00:00Z"}',
      };
      const allowed = request.method === 'PUT' || request.headers['x-aws-ec2-metadata-token'] === 'TOKEN';
      response.statusCode = allowed ? 200 : 401;
      response.end(allowed ? answers[request.url ?? ''] : '');
    });
    await new Promise<void>((resolve) => imds.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = imds.address() as AddressInfo;
      const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}` };
      const identity = await resolveIdentity({ onPremisesConfigFile: '/nonexistent', disableImdsV1: true }, env, clock);
      expect(identity.hostIdentifier).toBe('arn:aws:ec2:us-west-2:123456789012:instance/i-abc');
      expect(await identity.credentials()).toEqual({ accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 't' });
      await identity.credentials();
      expect(asked.filter((line) => line.includes('security-credentials/role'))).toHaveLength(1);
      expect(asked[0]).toBe('PUT /latest/api/token');
    } finally {
      imds.close();
    }
  });

  test('nowhere: says both places that it looked', async () => {
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' };
    const looking = resolveIdentity({ onPremisesConfigFile: '/nonexistent/op.yml', disableImdsV1: true }, env, clock);
    await expect(looking).rejects.toMatchObject({
      code: 'AGENT_NO_IDENTITY',
      message: expect.stringMatching(/op\.yml.*metadata/),
    });
  });
});
