import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { resolveIdentity } from '../../src/identity/resolve-identity.ts';
import { scratchFolder } from '../support/scratch.ts';

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

  test('is an error that names both sources when neither has an identity', async () => {
    const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' };
    const looking = resolveIdentity({ onPremisesConfigFile: '/nonexistent/op.yml', disableImdsV1: true }, env, clock);
    await expect(looking).rejects.toMatchObject({
      code: 'AGENT_NO_IDENTITY',
      message: expect.stringMatching(/op\.yml.*metadata/),
    });
  });
});
