import { expect, test } from 'vitest';
import { describeWithMoto, startMoto } from '../../support/moto.ts';

describeWithMoto('the emulator of AWS', () => {
  test('keeps what is made in it until it is reset', async () => {
    await using moto = await startMoto();
    const call = async (query: string) => {
      const headers = {
        connection: 'close',
        // The emulator looks at the scope to know the service, and at nothing else.
        authorization: `AWS4-HMAC-SHA256 Credential=${moto.env()['AWS_ACCESS_KEY_ID']}/20260101/us-east-1/sns/aws4_request`,
      };
      return (await fetch(`${moto.url}/?${query}`, { method: 'POST', headers })).text();
    };
    await call('Action=CreateTopic&Name=releases');
    expect(await call('Action=ListTopics')).toContain(':releases</TopicArn>');
    await moto.reset();
    expect(await call('Action=ListTopics')).not.toContain('releases');
    expect(Object.keys(moto.env('SNS', 'EC2')).slice(0, 2)).toEqual(['AWS_ENDPOINT_URL_SNS', 'AWS_ENDPOINT_URL_EC2']);
  });
});
