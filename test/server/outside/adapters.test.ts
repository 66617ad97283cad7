import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createAwsClients } from '../../../src/server/outside/aws/aws.ts';
import { readBalancersFile } from '../../../src/server/outside/balancers-file.ts';
import { isConfirmed, parseAdminStates, parseStat, takesRequests } from '../../../src/server/outside/haproxy-state.ts';
import { parseUpstream, renderUpstream, stateOf, withWish } from '../../../src/server/outside/nginx-upstream.ts';
import { createScript } from '../../../src/server/outside/script.ts';
import { createWebhook } from '../../../src/server/outside/webhook.ts';
import { systemClock } from '../../../src/system/clock.ts';
import { scratchFolder } from '../../support/scratch.ts';

const HOST = { name: 'web-1', tags: new Map([['Role', 'web']]) };
const how = (limitMs = 10_000) => ({ isDrainOver: false, signal: AbortSignal.timeout(limitMs) });

test.each([
  ['exit 0', { state: 'out' }, { state: 'healthy' }],
  ['exit 75', { state: 'draining' }, { state: 'joining' }],
  [
    'test "$2" = allow && s=unhealthy || s=absent; echo "{\\"state\\": \\"$s\\", \\"message\\": \\"$SLIPWAY_HOST\\"}"',
    { state: 'absent', answer: 'absent: web-1' },
    { state: 'unhealthy' },
  ],
])('a script that does %s says how far its balancer is', async (body, blocked, allowed) => {
  using scratch = scratchFolder();
  const file = scratch.at('balancer.sh');
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  const script = createScript({ command: [file, 'production'], drainLimitMs: 0 });
  expect(await script.block(HOST, how())).toMatchObject(blocked);
  expect(await script.allow(HOST, how())).toMatchObject(allowed);
});

test.each([
  ['echo no balancer >&2; exit 3', 'exit 3: no balancer'],
  ['echo out', "'out' is not"],
  ['echo \'{"state": "healthy"}\'', '"draining"'],
  ['exec sleep 60', 'in time'],
  ['sleep 60; true', 'in time'],
])('a script that does %s has failed, and its last words are kept', async (body, answer) => {
  using scratch = scratchFolder();
  const file = scratch.at('balancer.sh');
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  const script = createScript({ command: [file], drainLimitMs: 0 });
  const limitMs = body.includes('sleep') ? 500 : 10_000;
  await expect(script.block(HOST, how(limitMs))).rejects.toMatchObject({
    ...{ isFinal: false, record: { call: `${file} block`, answer: expect.stringContaining(answer) } },
  });
});

test('a script that has ended is not waited for because of what it has left running', async () => {
  const script = createScript({
    command: ['/bin/sh', '-c', 'echo \'{"state": "out"}\'; sleep 20 & exit 0'],
    drainLimitMs: 0,
  });
  const begunAtMs = performance.now();
  expect(await script.block(HOST, how())).toMatchObject({ state: 'out' });
  expect(performance.now() - begunAtMs).toBeLessThan(10_000);
});

test('a webhook is asked with a signature that its receiver can check, and an answer that is none is a fault', async () => {
  const secret = 'a secret of some length';
  const answers: [number, string][] = [
    [200, '{"state": "draining", "message": "2 left"}'],
    [200, '{"state": "healthy"}'],
    [503, 'busy'],
    [200, 'x'.repeat(100_000)],
  ];
  const asked: { readonly isSigned: boolean; readonly body: unknown }[] = [];
  const server = createServer((request, answer) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    request.on('end', () => {
      const signed = `${request.headers['x-slipway-time']}.${body}`;
      const wanted = `sha256=${createHmac('sha256', secret).update(signed).digest('hex')}`;
      asked.push({ isSigned: request.headers['x-slipway-signature'] === wanted, body: JSON.parse(body) });
      const [status, text] = answers.shift() ?? [200, '{}'];
      answer.writeHead(status).end(text);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const webhook = createWebhook({ url: `http://127.0.0.1:${port}/hook?token=t`, secret, drainLimitMs: 0 }, systemClock);
  expect(await webhook.block(HOST, how())).toMatchObject({ state: 'draining', answer: 'draining: 2 left' });
  expect(asked).toEqual([
    { isSigned: true, body: { action: 'block', host: { name: 'web-1', tags: { Role: 'web' } }, isDrainOver: false } },
  ]);
  // The state of another question, a refusal, an answer without end, and nobody there.
  for (const answer of ['"draining"', '503 busy', 'more than 65536 bytes', '']) {
    if (answer === '') {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
    await expect(webhook.block(HOST, how())).rejects.toMatchObject({
      // What stands behind the path may be a secret.
      record: { call: expect.not.stringContaining('token'), answer: expect.stringContaining(answer) },
    });
  }
});

test('HAProxy’s table of servers is read by the names of its columns, and `UP 1/2` is not taken for up', () => {
  const stat =
    '# pxname,svname,qcur,scur,status,check_status,\nweb,FRONTEND,,3,OPEN,,\nweb,a,1,2,UP,* L7OK,\nweb,b,0,0,UP 1/2,L7OK,\nweb,c,0,0,DOWN,L4CON,\nweb,d,0,0,no check,,\nweb,BACKEND,0,0,UP,,\n';
  const servers = parseStat(stat, 'web') ?? [];
  expect(servers.map(({ name, served }) => [name, served])).toEqual([
    ...[
      ['a', 3],
      ['b', 0],
      ['c', 0],
      ['d', 0],
    ],
  ]);
  expect(servers.map(isConfirmed)).toEqual([true, false, false, true]);
  expect(servers.map(takesRequests)).toEqual([true, true, false, true]);
  expect(parseStat('Unknown command.\n', 'web')).toBeNull();
  const states =
    '1\n# be_id be_name srv_id srv_name srv_op_state srv_admin_state\n2 web 1 a 2 0\n2 web 2 b 0 1\n2 web 3 c 0 8\n' +
    // Disabled by the configuration: brought in, and not yet.
    '2 web 4 d 2 4\n2 web 5 e 0 5\n';
  expect([...(parseAdminStates(states) ?? [])]).toEqual([
    ...[
      ['a', 'ready'],
      ['b', 'maint'],
      ['c', 'drain'],
      ['d', 'ready'],
      ['e', 'maint'],
    ],
  ]);
  expect(parseAdminStates("Can't find backend.\n")).toBeNull();
});

test('the file of an upstream keeps what it has beside its servers, and its last server stays up', () => {
  const text = '# of the shop\nserver 10.0.0.1:80 weight=2;\n  server 10.0.0.2:80 down max_fails=1;\n';
  const upstream = parseUpstream(text);
  const down = { address: '10.0.0.1:80', isDown: true };
  expect(stateOf(upstream, down.address)).toBe('last-up');
  expect(withWish(upstream, down, false)).toBe(upstream);
  expect(stateOf(withWish(upstream, down, true), down.address)).toBe('down');
  const both = withWish(upstream, { address: '10.0.0.2:80', isDown: false }, false);
  const marked = { ...withWish(both, down, false), before: [{ pid: 12, startTime: '345' }] };
  const rendered = renderUpstream(marked);
  expect(rendered).toContain('# of the shop\nserver 10.0.0.1:80 weight=2 down;\nserver 10.0.0.2:80 max_fails=1;\n');
  expect(parseUpstream(rendered)).toEqual(marked);
  // nginx refuses a comment of 4096 bytes; a worker that stays long is named by each change.
  const workers = Array.from({ length: 600 }, (_, pid) => ({ pid: pid + 10_000_000, startTime: '1234567890123' }));
  const long = renderUpstream({ ...marked, before: [...workers, ...workers] });
  expect(Math.max(...long.split('\n').map((line) => line.length))).toBeLessThan(4_000);
  expect(parseUpstream(long)).toEqual({ ...marked, before: workers });
  const more = withWish(upstream, { address: '[::1]:80', isDown: false }, false);
  expect(renderUpstream(more)).toContain('server [::1]:80;\n');
});

test.each([
  ['front: { kind: haproxy, socket: /s, backend: web, server: "{nam}" }', 'front.server is wrong'],
  ['front: { kind: haproxy, socket: /s, backend: "web; shutdown", server: a }', 'front.backend must be one word'],
  ['front: { kind: nginx, upstreamFile: web.inc, address: a }', 'front.upstreamFile must be an absolute path'],
  ['front: { kind: webhook, url: "ftp://x", secret: 1234567890123456 }', 'front.url must be'],
  ['front: { kind: webhook, url: "https://x", secret: short }', 'front.secret must have 16'],
  ['front: { kind: script, command: [] }', 'front.command must be a program'],
  ['front: { kind: script, command: a, drainSecond: 3 }', 'front.drainSecond is not known'],
  ['front: { kind: script, command: a, drainSeconds: -1 }', 'front.drainSeconds must be a whole number'],
  ['front: { kind: elb }', 'front.kind must be haproxy, nginx, script, webhook, target-group or classic-elb'],
  ['front: { kind: target-group }', 'front.kind target-group needs a server that is started with --aws-region'],
  ['front: yes', 'front must hold the settings'],
  ['- a', 'it must hold names'],
  ['a: [', 'it is not YAML'],
])('a file of load balancers with %s is refused by name', (text, message) => {
  using scratch = scratchFolder();
  const file = scratch.at('balancers.yml');
  writeFileSync(file, text);
  expect(() => readBalancersFile(file, { clock: systemClock, aws: null })).toThrow(message);
});

test('a file of load balancers may name those of AWS, and is refused where it says of them what is none of theirs', () => {
  using scratch = scratchFolder();
  const file = scratch.at('balancers.yml');
  const ctx = { clock: systemClock, aws: createAwsClients('eu-central-1', { clock: systemClock, env: process.env }) };
  writeFileSync(
    file,
    'front: { kind: target-group, name: web-80, target: "{tag:Address}" }\nold: { kind: classic-elb }\n',
  );
  expect([...readBalancersFile(file, ctx)].map(([name, { drainLimitMs }]) => [name, drainLimitMs])).toEqual([
    ...[
      ['front', 3_500_000],
      ['old', 3_500_000],
    ],
  ]);
  writeFileSync(file, 'front: { kind: target-group, probe: { url: "http://x" } }');
  expect(() => readBalancersFile(file, ctx)).toThrow('front.probe is not known');
});
