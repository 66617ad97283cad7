import { expect, test } from 'vitest';
import { endpointOf } from '../../src/cli/connection.ts';
import type { CliContext } from '../../src/cli/context.ts';

const endpoint = (env: Record<string, string>) => endpointOf({ env } as unknown as CliContext, {});

test.each([
  ['the first is empty', { SLIPWAY_ENDPOINT_URL: '', AWS_ENDPOINT_URL: 'http://a' }, 'http://a'],
  [
    'two are empty',
    { SLIPWAY_ENDPOINT_URL: '', AWS_ENDPOINT_URL_CODEDEPLOY: '', AWS_ENDPOINT_URL: 'http://a' },
    'http://a',
  ],
  ['none is empty', { SLIPWAY_ENDPOINT_URL: 'http://s', AWS_ENDPOINT_URL: 'http://a' }, 'http://s'],
])('When %s, the server is named by the first variable that has a value', (_, env, expected) => {
  expect(endpoint(env)).toBe(expected);
});

test('When all variables that name the server are empty, none is named', () => {
  expect(endpoint({ SLIPWAY_ENDPOINT_URL: '', AWS_ENDPOINT_URL: '' })).toBeFalsy();
});
