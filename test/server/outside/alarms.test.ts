import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { readAlarmsFile } from '../../../src/server/outside/alarms-file.ts';
import { createHttpCheck } from '../../../src/server/outside/http-check.ts';
import { createPrometheusAlarm } from '../../../src/server/outside/prometheus.ts';
import { answeringServer } from '../../support/http-server.ts';
import { scratchFolder } from '../../support/scratch.ts';

const soon = () => AbortSignal.timeout(5_000);
const answer = (resultType: string, result: unknown) =>
  JSON.stringify({ status: 'success', data: { resultType, result } });
const vector = (...values: string[]) =>
  answer(
    'vector',
    values.map((value) => ({ metric: {}, value: [1, value] })),
  );

describe('an alarm of Prometheus', () => {
  test.each<[string, string, number, 'ok' | 'alarm' | 'unreadable']>([
    ['a value above the threshold', vector('5.1'), 200, 'alarm'],
    ['the threshold itself', vector('5'), 200, 'ok'],
    ['an infinite value', vector('1', '+Inf', '2'), 200, 'alarm'],
    ['a value that is nothing, as a ratio without traffic', vector('NaN'), 200, 'ok'],
    ['one large value of several', vector('1', '1e3', '2'), 200, 'alarm'],
    ['no value', vector(), 200, 'ok'],
    ['a scalar', answer('scalar', [1, '7']), 200, 'alarm'],
    ['a value that is no number', vector('many'), 200, 'unreadable'],
    ['a matrix', answer('matrix', [{ metric: {}, values: [[1, '7']] }]), 200, 'unreadable'],
    ['an error', '{"status":"error"}', 400, 'unreadable'],
    ['no JSON', '<html>', 200, 'unreadable'],
    ['more than any number takes', `${vector('9')}${' '.repeat(1_000_000)}`, 200, 'unreadable'],
    ['JSON that says nothing', 'null', 200, 'unreadable'],
  ])('an alarm of Prometheus with %s as its answer is what that means', async (_, body, status, state) => {
    await using server = await answeringServer(() => ({ status, body, headers: { 'transfer-encoding': 'chunked' } }));
    const alarm = createPrometheusAlarm({ url: `${server.url}/`, query: 'up > 0', side: 'above', threshold: 5 });
    expect((await alarm(soon())).state).toBe(state);
    expect(server.received[0]?.path).toBe('/api/v1/query?query=up+%3E+0');
  });

  test('an alarm of Prometheus with a server that is down is unreadable, and below is the other side', async () => {
    await using server = await answeringServer(() => ({ body: vector('0.5') }));
    const settings = { query: 'up', side: 'below', threshold: 1 } as const;
    expect(await createPrometheusAlarm({ ...settings, url: server.url })(soon())).toEqual({
      ...{ state: 'alarm', detail: 'up is 0.5, and below 1 is an alarm' },
    });
    const away = createPrometheusAlarm({ ...settings, url: 'http://127.0.0.1:1' });
    expect((await away(soon())).state).toBe('unreadable');
  });
});

test('an HTTP check is an alarm at another status than the wanted one, and when nothing answers', async () => {
  await using server = await answeringServer(({ path }) => ({ status: path === '/bad' ? 503 : 204 }));
  const check = (url: string) => createHttpCheck({ url, status: 204 })(soon());
  expect((await check(`${server.url}/good`)).state).toBe('ok');
  expect(await check(`${server.url}/bad`)).toMatchObject({ state: 'alarm', detail: expect.stringContaining('503') });
  expect(await check('http://127.0.0.1:1')).toMatchObject({ state: 'alarm', isSilence: true });
});

describe('the file of alarms', () => {
  const scratch = scratchFolder();
  afterAll(() => scratch[Symbol.dispose]());
  const read = (text: string) => {
    const file = scratch.at('alarms.yml');
    writeFileSync(file, text);
    return readAlarmsFile(file, null);
  };

  test('has names, and may be YAML or JSON', () => {
    expect([
      ...read('a: {kind: http, url: "http://x"}\nb: {kind: prometheus, url: "http://x", query: up, below: 1}').keys(),
    ]).toEqual(['a', 'b']);
    expect([...read('{"a": {"kind": "http", "url": "https://x/h", "status": 301}}').keys()]).toEqual(['a']);
  });

  test.each([
    ['a: [', 'YAML'],
    ['- a', 'names'],
    ['a: 5', 'a must hold'],
    ['a: {kind: cloudwatch}', 'a.region is missing'],
    ['a: {kind: cloudwatch, region: "x.example.com/"}', 'a.region must be'],
    ['a: {kind: cloudwatch, region: eu-central-1, name: ""}', 'a.name'],
    ['a: {kind: cloudwatch, region: eu-central-1, url: "http://x"}', 'a.url is not known'],
    ['a: {kind: nagios}', 'a.kind'],
    ['a: {kind: http, url: "ftp://x"}', 'a.url'],
    ['a: {kind: http, url: "http://x", status: 20}', 'a.status'],
    ['a: {kind: http, url: "http://x", query: up}', 'a.query is not known'],
    ['a: {kind: prometheus, url: "http://x", above: 1}', 'a.query'],
    ['a: {kind: prometheus, url: "http://x", query: up}', 'a.above'],
    ['a: {kind: prometheus, url: "http://x", query: up, above: 1, below: 0}', 'a.above'],
  ])('is refused with what is wrong in it: %s', (text, named) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(named) }),
    );
  });

  test('the file of alarms that is missing is named', () => {
    expect(() => readAlarmsFile(scratch.at('none.yml'), null)).toThrow(
      expect.objectContaining({ code: 'CONFIG_UNREADABLE' }),
    );
  });
});
