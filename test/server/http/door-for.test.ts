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

describe('a request is for IAM and STS', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  test.each([
    ['signed for IAM', '/', signedFor('iam')],
    ['signed for STS', '/', signedFor('sts')],
    ['signed for STS, at another path', '/revisions/a.zip', signedFor('sts')],
    ['presigned for STS', '/?X-Amz-Credential=AKIAEXAMPLE%2F20261128%2Feu-west-1%2Fsts%2Faws4_request', {}],
    ['not signed, with a form', '/', form],
  ])('%s', (_, url, headers) => {
    expect(doorFor({ method: 'POST', url, headers })).toBe('identity');
  });
});

describe('a question whether the server is well', () => {
  test.each(['/healthz', '/readyz'])('at %s needs no signature', (url) => {
    for (const method of ['GET', 'HEAD']) expect(doorFor({ method, url, headers: {} })).toBe('health');
  });

  test.each([
    ['signed for S3', 'GET', '/healthz', signedFor('s3')],
    ['of an object', 'GET', '/healthz/a.zip', {}],
    ['with a query', 'GET', '/readyz?versions', {}],
    ['that would write', 'PUT', '/readyz', {}],
    ['for metrics', 'GET', '/metrics', {}],
  ])('%s is one for a bucket of that name', (_, method, url, headers) => {
    expect(doorFor({ method, url, headers })).toBe('revisions');
  });
});

describe('a request below /console', () => {
  test.each([
    ['not signed', '/console', {}],
    ['of a page', '/console/deployments/d-ABCDEF123', {}],
    ['with a query', '/console?theme=dark', {}],
    ['that signs somebody in', '/console/session', signedFor('codedeploy')],
  ])('%s is for the console', (_, url, headers) => {
    expect(doorFor({ url, headers })).toBe('console');
  });

  test.each([
    ['signed for S3', '/console/a.zip', signedFor('s3'), 'revisions'],
    [
      'presigned for S3',
      '/console/a.zip?X-Amz-Credential=AKIA%2F20261128%2Feu-west-1%2Fs3%2Faws4_request',
      {},
      'revisions',
    ],
    ['with a longer name', '/consoles/a.zip', {}, 'revisions'],
    ['with the target header', '/console/', target, 'api'],
    ['signed for IAM', '/console/', signedFor('iam'), 'identity'],
  ] as const)('%s is not', (_, url, headers, door) => {
    expect(doorFor({ url, headers })).toBe(door);
  });
});
