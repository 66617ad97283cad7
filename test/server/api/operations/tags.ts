/** Rows of the table: tags of applications and deployment groups, and tokens for GitHub. */
import { NO_PAGE, type Operations, tooMany } from './operation.ts';

const OWN = 'arn:aws:codedeploy:us-east-1:000000000000';
const SITE = `${OWN}:application:site`;
const NO_CONFIG_TAGS = 'Configurations have no tags: ArnNotSupportedException comes.';
const NO_ARN = {
  ResourceArnRequiredException: [{ ResourceArn: null }, { ResourceArn: '' }],
  InvalidArnException: [
    { ResourceArn: 'site' },
    { ResourceArn: 'arn:aws:s3:::bucket' },
    { ResourceArn: 'arn:aws:codedeploy:us-east-1:111111111111:application:site' },
    { ResourceArn: 'arn:aws:codedeploy:eu-west-1:000000000000:application:site' },
    { ResourceArn: `${OWN}:deploymentgroup:site` },
    { ResourceArn: `${OWN}:application:${'x'.repeat(1011)}` },
  ],
  ArnNotSupportedException: [
    { ResourceArn: `${OWN}:deploymentconfig:used` },
    { ResourceArn: `${OWN}:instance/web-1_0123456789` },
  ],
} as const;
const NO_OWNER = {
  ...NO_ARN,
  ApplicationDoesNotExistException: [
    { ResourceArn: `${OWN}:application:nobody` },
    { ResourceArn: `${OWN}:deploymentgroup:nobody/web` },
  ],
  DeploymentGroupDoesNotExistException: { ResourceArn: `${OWN}:deploymentgroup:site/nobody` },
} as const;

export const TAGS: Operations<
  'TagResource' | 'UntagResource' | 'ListTagsForResource' | 'ListGitHubAccountTokenNames' | 'DeleteGitHubAccountToken'
> = {
  TagResource: {
    does: 'gives an application or a group tags, 50 at most',
    refuses: null,
    good: { ResourceArn: `${OWN}:deploymentgroup:site/web`, Tags: [{ Key: '\u{1F6A2}'.repeat(128), Value: 'a' }] },
    refused: {
      ...NO_OWNER,
      TagRequiredException: [{ Tags: null }, { Tags: [] }],
      InvalidTagsToAddException: [
        { Tags: [{ Value: 'a' }] },
        { Tags: [{ Key: 'k' }, { Key: 'Aws:autoscaling:groupName', Value: 'g' }] },
        { Tags: [{ Key: 'x'.repeat(129), Value: '' }] },
        { Tags: [{ Key: 'k', Value: 'v'.repeat(257) }] },
        { Tags: [{ Key: 'k' }, { Key: 'k', Value: 'v' }] },
        { Tags: tooMany(50, (n) => ({ Key: `k${n}` })) },
        // The application has one already.
        { ResourceArn: SITE, Tags: tooMany(49, (n) => ({ Key: `k${n}` })) },
      ],
    },
    never: { DeploymentConfigDoesNotExistException: NO_CONFIG_TAGS },
  },
  UntagResource: {
    does: 'takes tags from an application or a group',
    refuses: null,
    good: { ResourceArn: SITE, TagKeys: ['Team', 'Absent'] },
    refused: {
      ...NO_OWNER,
      TagRequiredException: [{ TagKeys: null }, { TagKeys: [] }],
      InvalidTagsToAddException: [{ TagKeys: ['Team', ''] }, { TagKeys: ['x'.repeat(129)] }],
    },
    never: { DeploymentConfigDoesNotExistException: NO_CONFIG_TAGS },
  },
  ListTagsForResource: {
    does: 'lists the tags of an application or a group, 100 a page',
    refuses: null,
    good: { ResourceArn: SITE },
    refused: { ...NO_ARN, InvalidNextTokenException: { NextToken: 'made-up' } },
    never: {},
  },
  ListGitHubAccountTokenNames: {
    does: 'lists the names of the tokens that the server keeps for git hosts',
    refuses: null,
    good: {},
    refused: NO_PAGE,
    never: {
      OperationNotSupportedException: 'There is always a list, which may be empty.',
      ResourceValidationException: 'There is always a list, which may be empty.',
    },
  },
  DeleteGitHubAccountToken: {
    does: 'forgets a token for a git host',
    refuses: null,
    good: { tokenName: 'mine' },
    refused: {
      GitHubAccountTokenNameRequiredException: [{ tokenName: null }, { tokenName: '' }],
      InvalidGitHubAccountTokenNameException: { tokenName: 'x'.repeat(101) },
      GitHubAccountTokenDoesNotExistException: { tokenName: 'nobody' },
    },
    never: {
      OperationNotSupportedException: 'A token that does not exist is the answer.',
      ResourceValidationException: 'A token that does not exist is the answer.',
    },
  },
};
