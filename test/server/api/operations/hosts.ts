/** Rows of the table: hosts, which the API calls on-premises instances. */
import { LONG_NAME, NO_INSTANCE, NO_PAGE, type Operations, tooMany } from './operation.ts';
import { SESSION, USER } from './world.ts';

const TAGS = [{ Key: 'Zone', Value: 'a' }];
const NO_INSTANCES = {
  InstanceNameRequiredException: [{ instanceNames: null }, { instanceNames: [] }],
  InvalidInstanceNameException: [{ instanceNames: ['web-1', 'web 1'] }, { instanceNames: [''] }],
} as const;
const TAGS_REFUSED = {
  ...NO_INSTANCES,
  TagRequiredException: [{ tags: null }, { tags: [] }],
  InvalidTagException: [
    { tags: [{ Key: 'k' }] },
    { tags: [...TAGS, { Key: '', Value: 'v' }] },
    { tags: [{ Key: '\u{1F6A2}'.repeat(129), Value: 'v' }] },
    { tags: [{ Key: 'k', Value: 'v'.repeat(257) }] },
  ],
  InstanceLimitExceededException: { instanceNames: tooMany(100, (n) => `web-${n}`) },
  InstanceNotRegisteredException: { instanceNames: ['web-1', 'nobody'] },
} as const;

export const HOSTS: Operations<
  | 'RegisterOnPremisesInstance'
  | 'DeregisterOnPremisesInstance'
  | 'GetOnPremisesInstance'
  | 'BatchGetOnPremisesInstances'
  | 'ListOnPremisesInstances'
  | 'AddTagsToOnPremisesInstances'
  | 'RemoveTagsFromOnPremisesInstances'
> = {
  RegisterOnPremisesInstance: {
    does: 'makes a host known by its name and the ARN that it speaks with',
    refuses: null,
    good: { instanceName: 'web-2', iamSessionArn: `${SESSION}/web-2` },
    refused: {
      ...NO_INSTANCE,
      InvalidInstanceNameException: [...NO_INSTANCE.InvalidInstanceNameException, { instanceName: 'i-0123456789' }],
      IamArnRequiredException: [{ iamSessionArn: null }, { iamSessionArn: '' }],
      IamUserArnRequiredException: { iamSessionArn: null, iamUserArn: '' },
      InvalidIamSessionArnException: [
        { iamSessionArn: 'arn:aws:sts::1:assumed-role/a/b' },
        { iamSessionArn: LONG_NAME },
      ],
      InvalidIamUserArnException: [
        { iamSessionArn: null, iamUserArn: 'arn:aws:iam::000000000000:role/web' },
        { iamSessionArn: null, iamUserArn: 'web' },
      ],
      MultipleIamArnsProvidedException: { iamUserArn: `${USER}/web-2` },
      InstanceNameAlreadyRegisteredException: { instanceName: 'web-1' },
      IamUserArnAlreadyRegisteredException: ({ hostArn }) => ({ iamSessionArn: null, iamUserArn: hostArn }),
      IamSessionArnAlreadyRegisteredException: { instanceName: 'web-4', iamSessionArn: `${SESSION}/web-3` },
    },
    never: {},
  },
  DeregisterOnPremisesInstance: {
    does: 'forgets a host, or does nothing if there is none; a record of it stays for a while, its name is free at once',
    refuses: null,
    good: { instanceName: 'web-2' },
    refused: NO_INSTANCE,
    never: {},
  },
  GetOnPremisesInstance: {
    does: 'shows a host with its tags',
    refuses: null,
    good: { instanceName: 'web-1' },
    refused: { ...NO_INSTANCE, InstanceNotRegisteredException: { instanceName: 'nobody' } },
    never: {},
  },
  BatchGetOnPremisesInstances: {
    does: 'shows up to 25 hosts; those that do not exist are left out',
    refuses: null,
    good: { instanceNames: ['web-1', 'nobody'] },
    refused: { ...NO_INSTANCES, BatchLimitExceededException: { instanceNames: tooMany(25, (n) => `web-${n}`) } },
    never: {},
  },
  ListOnPremisesInstances: {
    does: 'lists the names of hosts, 100 a page, by registration and tags',
    refuses: null,
    good: { registrationStatus: 'Registered', tagFilters: [{ Key: 'Role', Type: 'KEY_ONLY' }] },
    refused: {
      ...NO_PAGE,
      InvalidRegistrationStatusException: [{ registrationStatus: 'registered' }, { registrationStatus: '' }],
      InvalidTagFilterException: [
        { tagFilters: [{ Key: 'Role', Type: 'KEY' }] },
        { tagFilters: [{ Value: 'web', Type: 'KEY_AND_VALUE' }] },
        { tagFilters: [{ Key: 'Role', Type: 'VALUE_ONLY' }] },
      ],
    },
    never: {},
  },
  AddTagsToOnPremisesInstances: {
    does: 'gives up to 100 hosts tags; a key that a host has already gets the new value',
    refuses: null,
    good: { tags: TAGS, instanceNames: ['web-1'] },
    refused: {
      ...TAGS_REFUSED,
      InvalidTagException: [
        ...TAGS_REFUSED.InvalidTagException,
        ...['aws:', 'aws:ec2:fleet-id', 'AWS:x'].map((Key) => ({ tags: [...TAGS, { Key, Value: 'v' }] })),
      ],
      TagLimitExceededException: { tags: tooMany(10, (n) => ({ Key: `k${n}`, Value: 'v' })) },
    },
    never: {},
  },
  RemoveTagsFromOnPremisesInstances: {
    does: 'takes tags from up to 100 hosts, where key and value are the same',
    refuses: null,
    good: { tags: TAGS, instanceNames: ['web-1'] },
    refused: TAGS_REFUSED,
    never: { TagLimitExceededException: 'Fewer tags are never too many.' },
  },
};
