import { writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { resolveIdentity } from '../../src/identity/resolve-identity.ts';
import { systemClock } from '../../src/system/clock.ts';
import { httpServer, tcpServer } from '../support/http-server.ts';
import { scratchFolder } from '../support/scratch.ts';
import { startDaemon } from '../support/slipway.ts';

const CONFIG = { onPremisesConfigFile: '/nonexistent/on-premises.yml', disableImdsV1: true };
/** Limit of the docs, with room for a machine that is busy. */
const ENDS_WITHIN_MS = 5_000 + 15_000;

const ROLE_PATH = '/latest/meta-data/iam/security-credentials/';
const GOOD: Readonly<Record<string, string>> = {
  '/latest/api/token': 'TOKEN',
  '/latest/dynamic/instance-identity/document': JSON.stringify({
    region: 'us-west-2',
    accountId: '123456789012',
    instanceId: 'i-abc',
  }),
  '/latest/meta-data/services/partition': 'aws',
  [ROLE_PATH]: 'role\n',
  [`${ROLE_PATH}role`]: JSON.stringify({ AccessKeyId: 'KEY', SecretAccessKey: 's', Token: 't' }),
};
const PATHS = Object.keys(GOOD);

type Behaviour = (response: ServerResponse, request: IncomingMessage) => void;

function untilGone(response: ServerResponse, everyMs: number, send: () => void): void {
  const timer = setInterval(send, everyMs);
  response.once('close', () => clearInterval(timer));
}

const HARMFUL: Readonly<Record<string, Behaviour>> = {
  'never answers': () => undefined,
  'trickles its answer': (response) => untilGone(response, 50, () => response.write('a')),
  'trickles headers': (response) => {
    response.socket?.write('HTTP/1.1 200 OK\r\n');
    untilGone(response, 50, () => response.socket?.write('X-A: b\r\n'));
  },
  'says for ever that it goes on': (response) =>
    untilGone(response, 20, () => response.socket?.write('HTTP/1.1 102 Processing\r\n\r\n')),
  'answers without an end': (response) => {
    const push = () => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, '1')));
    };
    response.on('drain', push);
    push();
  },
  'promises more than it sends': (response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{');
  },
  'hangs up in its answer': (response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{', () => response.destroy());
  },
  'answers 401 again and again': (response) => void response.writeHead(401).end(),
  'answers 500': (response) => void response.writeHead(500).end(),
  'sends on': (response, { headers }) =>
    void response.writeHead(302, { location: `http://${headers.host}/elsewhere` }).end(),
  'answers no text of the kind': (response) => void response.end('\u0000\u001b[2J \r\n{"region":{"length":1e99}}'),
  'answers null': (response) => void response.end('null'),
};

/** Answers well but for one path. */
function service(path: string, behaviour: Behaviour): { readonly listener: RequestListener; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    listener(request, response) {
      const { url = '' } = request;
      asked.push(url);
      if (url === path) behaviour(response, request);
      else response.end(GOOD[url] ?? '');
    },
  };
}

describe('instance metadata', () => {
  test('instance metadata that answers well gives identity and credentials', async () => {
    await using server = await httpServer(service('', () => undefined).listener);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url };
    const { hostIdentifier, credentials } = await resolveIdentity(CONFIG, env, systemClock);
    expect(hostIdentifier).toBe('arn:aws:ec2:us-west-2:123456789012:instance/i-abc');
    expect(await credentials()).toEqual({ accessKeyId: 'KEY', secretAccessKey: 's', sessionToken: 't' });
  });

  const cases = Object.keys(HARMFUL).flatMap((what) => PATHS.map((path) => [what, path] as const));
  // Null is a name as good as any for a token or a role, and no role's credentials are there.
  test.concurrent.each(cases)('instance metadata that %s at %s is given up within five seconds', async (what, path) => {
    const { listener, asked } = service(path, HARMFUL[what] ?? (() => undefined));
    await using server = await httpServer(listener);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url };
    const startedMs = performance.now();
    const fault: unknown = await resolveIdentity(CONFIG, env, systemClock).then(
      ({ credentials }) =>
        credentials().then(
          () => null,
          (error: unknown) => error,
        ),
      (error: unknown) => error,
    );
    expect(performance.now() - startedMs).toBeLessThan(ENDS_WITHIN_MS);
    expect(asked.filter((url) => url === path).length).toBeLessThanOrEqual(2);
    expect(asked).not.toContain('/elsewhere');
    const isJustAWord = what === 'answers null' && !['document', 'role'].some((end) => path.endsWith(end));
    if (!isJustAWord) expect(fault).toMatchObject({ code: expect.stringMatching(/^AGENT_NO_/) });
  });

  test('is asked once for credentials that several need at the same time', async () => {
    const { listener, asked } = service('', () => undefined);
    await using server = await httpServer(listener);
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url };
    const { credentials } = await resolveIdentity(CONFIG, env, systemClock);
    await Promise.all([credentials(), credentials(), credentials()]);
    expect(asked.filter((url) => url.startsWith(ROLE_PATH))).toEqual([ROLE_PATH, `${ROLE_PATH}role`]);
  });

  test('instance metadata that trickles delays the start of an agent for five seconds at most', async () => {
    using folder = scratchFolder();
    await using server = await tcpServer((socket) => {
      const timer = setInterval(() => socket.write('H'), 100);
      socket.once('close', () => clearInterval(timer));
    });
    const configFile = folder.at('agent.yml');
    const settings = [
      ...['root_dir', 'log_dir', 'pid_dir'].map((key) => `${key}: ${folder.at(key)}`),
      `on_premises_config_file: ${folder.at('nowhere.yml')}`,
    ];
    writeFileSync(configFile, settings.join('\n'));
    const startedMs = performance.now();
    await using agent = startDaemon(['agent', '--config-file', configFile], {
      env: { AWS_EC2_METADATA_SERVICE_ENDPOINT: server.url },
      stderrFile: folder.at('agent.log'),
    });
    expect(await agent.exited).toEqual({ status: 2, signal: null });
    // A start of Node beside the five seconds, on a machine that is busy.
    expect(performance.now() - startedMs).toBeLessThan(ENDS_WITHIN_MS + 20_000);
    expect(agent.log()).toContain('AGENT_NO_IDENTITY');
  });
});
