import { describe, expect, test } from 'vitest';
import { requireReadingOfS3 } from '../../../src/server/iam/policy-document.ts';

const statement = { Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: '*' };
const policy = (Statement: unknown, more: object = {}) => JSON.stringify({ Version: '2012-10-17', Statement, ...more });

describe('a policy of a user', () => {
  test.each<[string, string]>([
    ['as aws deploy register writes it', policy([statement])],
    ['with one statement that is no list', policy(statement)],
    [
      'of the user guide, for the objects of some buckets',
      policy([{ ...statement, Resource: ['arn:aws:s3:::my-bucket/*', 'arn:aws:s3:::aws-codedeploy-us-east-1/*'] }]),
    ],
    ['with names for policy and statement', policy([{ ...statement, Sid: 'Read' }], { Id: 'mine' })],
    [
      'with operations by name',
      policy([{ ...statement, Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:ListBucket'] }]),
    ],
  ])('%s is kept', (_, document) => {
    expect(() => requireReadingOfS3(document)).not.toThrow();
  });

  test.each<[string, string]>([
    ['allows everything', policy([{ ...statement, Action: '*' }])],
    ['allows all of S3', policy([{ ...statement, Action: 's3:*' }])],
    ['allows writing to S3 beside reading', policy([{ ...statement, Action: ['s3:Get*', 's3:PutObject'] }])],
    ['allows IAM', policy([{ ...statement, Action: 'iam:CreateUser' }])],
    ['allows deployments', policy([statement, { ...statement, Action: 'codedeploy:*' }])],
    ['allows a name with a star inside', policy([{ ...statement, Action: 's3:Get*Put' }])],
    ['denies', policy([{ ...statement, Effect: 'Deny' }])],
    ['has a condition', policy([{ ...statement, Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } }])],
    ['allows all but something', policy([{ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }])],
    ['names all resources but something', policy([{ Effect: 'Allow', Action: 's3:Get*', NotResource: 'x' }])],
    ['names a principal', policy([{ ...statement, Principal: '*' }])],
    ['is for another service', policy([{ ...statement, Resource: 'arn:aws:iam::000000000000:user/x' }])],
    ['has no action', policy([{ Effect: 'Allow', Resource: '*' }])],
    ['has no resource', policy([{ Effect: 'Allow', Action: 's3:Get*' }])],
    ['has no statement', policy([])],
    ['has no version', JSON.stringify({ Statement: [statement] })],
    ['has a member of its own', policy([statement], { Extra: 1 })],
    ['has an action that is no text', policy([{ ...statement, Action: [1] }])],
    ['has a statement that is no object', policy(['x'])],
    ['is a list', '[]'],
    ['is null', 'null'],
    ['is no JSON', 'Allow everything'],
    ['has characters beyond Latin-1', policy([{ ...statement, Sid: '€' }])],
  ])('a policy of a user that %s is refused', (_, document) => {
    expect(() => requireReadingOfS3(document)).toThrow(
      expect.objectContaining({ type: 'MalformedPolicyDocument', status: 400 }) as Error,
    );
  });
});
