import { describe, expect, test } from 'vitest';
import { doorFor } from '../../../src/server/http/doors.ts';

const signedFor = (service: string) => ({
  authorization: `AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261128/eu-west-1/${service}/aws4_request, SignedHeaders=host, Signature=00`,
});
const target = { 'x-amz-target': 'CodeDeploy_20141006.ListApplications' };

describe('a request is for the API', () => {
  test.each([
    ['with the target header', '/', target],
    ['with it, whatever it is signed for', '/', { ...target, ...signedFor('s3') }],
    ['with it, whatever the path is', '/revisions/a.zip', target],
    ['signed for another service', '/', signedFor('codedeploy')],
    ['that asks whether the server lives', '/', {}],
  ])('%s', (_, url, headers) => {
    expect(doorFor({ url, headers })).toBe('api');
  });
});

describe('a request is for the revisions', () => {
  test.each([
    ['signed for S3, with a path', '/revisions/a.zip', signedFor('s3')],
    ['signed for S3, with none', '/', signedFor('s3')],
    ['presigned for S3', '/?X-Amz-Credential=AKIAEXAMPLE%2F20261128%2Feu-west-1%2Fs3%2Faws4_request', {}],
    ['not signed, with a path', '/revisions/a.zip', {}],
    ['not signed, with a query', '/?list-type=2', {}],
  ])('%s', (_, url, headers) => {
    expect(doorFor({ url, headers })).toBe('revisions');
  });
});
