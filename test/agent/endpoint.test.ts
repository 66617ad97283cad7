import { describe, expect, test } from 'vitest';
import { controlEndpoint } from '../../src/agent/endpoint.ts';

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
