/** The AppSpec files of Lambda and ECS: their grammars, and the JSON Schemas that must be of one mind with them. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ResourcePlatform } from '../../src/appspec/resources/platform.ts';
import { platformOfText, readResourceAppSpec } from '../../src/appspec/resources/read.ts';
import { resourceSchema } from '../../src/appspec/resources/schema.ts';
import { RESOURCE_HOOK_EVENTS } from '../../src/appspec/resources/types.ts';

const read = (text: string, platform: ResourcePlatform | null = null) =>
  readResourceAppSpec(text, { filename: 'appspec.yaml', platform });

/** `rule@line:column` of every finding. */
const findings = (text: string, platform: ResourcePlatform | null = null) =>
  read(text, platform).findings.map(
    ({ rule, position }) => `${rule}@${position?.line ?? '-'}:${position?.column ?? '-'}`,
  );

const messages = (text: string) => read(text).findings.map(({ message }) => message);

const LAMBDA = `version: 0.0
Resources:
  - myFunction:
      Type: AWS::Lambda::Function
      Properties:
        Name: "shop"
        Alias: "live"
        CurrentVersion: "1"
        TargetVersion: 2
Hooks:
  - BeforeAllowTraffic: arn:aws:lambda:eu-west-1:123456789012:function:before:live
  - AfterAllowTraffic: after
`;

const ECS = `version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "arn:aws:ecs:us-east-1:111222333444:task-definition/my-task:7"
        LoadBalancerInfo:
          ContainerName: "web"
          ContainerPort: 8080
        PlatformVersion: LATEST
        NetworkConfiguration:
          AwsvpcConfiguration:
            Subnets: ["subnet-1", "subnet-2"]
            SecurityGroups: ["sg-1"]
            AssignPublicIp: "ENABLED"
        CapacityProviderStrategy:
          - Base: 1
            CapacityProvider: FARGATE_SPOT
            Weight: 2
          - CapacityProvider: FARGATE
Hooks:
  - BeforeInstall: "a"
  - AfterInstall: "b"
  - AfterAllowTestTraffic: "c"
  - BeforeAllowTraffic: "d"
  - AfterAllowTraffic: "e"
`;

const LAMBDA_SPEC = {
  platform: 'Lambda',
  logicalName: 'myFunction',
  functionName: 'shop',
  alias: 'live',
  currentVersion: '1',
  targetVersion: '2',
  hooks: new Map([
    ['BeforeAllowTraffic', 'arn:aws:lambda:eu-west-1:123456789012:function:before:live'],
    ['AfterAllowTraffic', 'after'],
  ]),
};

describe('a file for Lambda or ECS', () => {
  test('a file for Lambda is read with every field', () => {
    expect(read(LAMBDA)).toEqual({ ok: true, findings: [], appSpec: LAMBDA_SPEC });
  });

  test('a file for ECS is read with every field and every default', () => {
    expect(read(ECS)).toEqual({
      ok: true,
      findings: [],
      appSpec: {
        platform: 'ECS',
        logicalName: 'TargetService',
        taskDefinition: 'arn:aws:ecs:us-east-1:111222333444:task-definition/my-task:7',
        containerName: 'web',
        containerPort: 8080,
        platformVersion: 'LATEST',
        network: { subnets: ['subnet-1', 'subnet-2'], securityGroups: ['sg-1'], assignPublicIp: 'ENABLED' },
        capacityProviders: [
          { name: 'FARGATE_SPOT', base: 1, weight: 2 },
          { name: 'FARGATE', base: 0, weight: 0 },
        ],
        hooks: new Map([
          ['BeforeInstall', 'a'],
          ['AfterInstall', 'b'],
          ['AfterAllowTestTraffic', 'c'],
          ['BeforeAllowTraffic', 'd'],
          ['AfterAllowTraffic', 'e'],
        ]),
      },
    });
  });

  test('needs little: what may be left out may also be empty', () => {
    const text =
      'version: "0.0"\nResources:\n- x:\n    Type: AWS::ECS::Service\n    Properties:\n      TaskDefinition: web:1\n      LoadBalancerInfo: {ContainerName: web, ContainerPort: 80}\n      PlatformVersion:\n      NetworkConfiguration:\n      CapacityProviderStrategy:\nHooks:\n';
    expect(read(text)).toMatchObject({
      ok: true,
      findings: [],
      appSpec: {
        taskDefinition: 'web:1',
        platformVersion: null,
        network: null,
        capacityProviders: [],
        hooks: new Map(),
      },
    });
  });

  test('is read as JSON, with the keys in camel case as the AWS CLI writes them', () => {
    const text = JSON.stringify({
      version: 0,
      resources: [
        {
          TargetService: {
            type: 'AWS::ECS::Service',
            properties: { taskDefinition: 'web:1', loadBalancerInfo: { containerName: 'web', containerPort: 80 } },
          },
        },
      ],
      hooks: [{ beforeInstall: 'f' }],
    });
    expect(read(text)).toMatchObject({ ok: true, findings: [], appSpec: { hooks: new Map([['BeforeInstall', 'f']]) } });
  });

  test('says all that is wrong at once, each thing at its place and once', () => {
    const text = `version: 1
Resources:
  - fn:
      Type: AWS::Lambda::Function
      Properties:
        Name: shop:live
        Alais: live
        CurrentVersion: $LATEST
Hooks:
  - BeforeAllowTrafic: a
  - AfterAllowTraffic:
extra: 1
`;
    expect(findings(text)).toEqual([
      'version-unsupported@1:10',
      'property-missing@6:9',
      'property-invalid@6:15',
      'property-unknown@7:9',
      'property-invalid@8:25',
      'hook-unknown@10:5',
      'property-missing@11:5',
      'property-unknown@12:1',
    ]);
    expect(messages(text).join('\n')).toContain("'Alais' is no key of Properties; did you mean 'Alias'?");
    expect(messages(text).join('\n')).toContain('traffic is never shifted to $LATEST');
    expect(messages(text).join('\n')).toContain("did you mean 'BeforeAllowTraffic'?");
  });
});

test('a hook of the server’s file is named as hook:NAME, in place of a function', () => {
  const reading = read(LAMBDA.replace(': after', ': hook:smoke-test'));
  expect(reading.ok && reading.appSpec.hooks.get('AfterAllowTraffic')).toBe('hook:smoke-test');
});

describe('a file for Lambda is refused', () => {
  test.each([
    ['with the same version twice', 'TargetVersion: 2', 'TargetVersion: 1', 'versions-equal', 'nothing to shift'],
    ['with the version 0', 'CurrentVersion: "1"', 'CurrentVersion: 0', 'property-invalid', 'published version'],
    ['with zeros before a version', 'CurrentVersion: "1"', 'CurrentVersion: "01"', 'property-invalid', 'zeros'],
    ['with a fraction for a version', 'TargetVersion: 2', 'TargetVersion: 2.5', 'property-invalid', "'2.5'"],
    ['with a list for a version', 'TargetVersion: 2', 'TargetVersion: [2]', 'not-text', 'a list'],
    ['with a name that has a version behind it', '"shop"', '"shop:3"', 'property-invalid', 'without a version'],
    [
      'with an ARN of something else',
      '"shop"',
      '"arn:aws:sns:a:123456789012:x"',
      'property-invalid',
      'ARN of a function',
    ],
    ['with a placeholder', '"shop"', '"${Function}"', 'property-invalid', 'placeholder'],
    ['with an alias of digits', '"live"', '"12"', 'property-invalid', 'not digits alone'],
    ['with the type of ECS', 'AWS::Lambda::Function', 'AWS::ECS::Service', 'property-unknown', 'Name'],
    ['with a misspelt type', 'AWS::Lambda::Function', 'AWS::Lambda::Functoin', 'property-invalid', 'did you mean'],
    ['with an event of ECS', '- AfterAllowTraffic', '- AfterInstall', 'hook-unknown', 'event of ECS'],
    ['with a hook for what the server does', '- AfterAllowTraffic', '- AllowTraffic', 'hook-unknown', 'server'],
    ['with an event twice', '- AfterAllowTraffic', '- beforeallowtraffic', 'duplicate-key', 'has a hook already'],
    [
      'with a key twice, in other capitals',
      'Alias: "live"',
      'Alias: "live"\n        alias: x',
      'duplicate-key',
      'capitals',
    ],
    [
      'with two events behind one dash',
      '  - AfterAllow',
      '    AfterAllow',
      'property-invalid',
      'begin each with a dash',
    ],
    [
      'with hooks as hosts have them',
      '- AfterAllowTraffic: after',
      '- AfterAllowTraffic: [{location: a}]',
      'not-text',
      'a list',
    ],
    ['with a hook that is no name', ': after', ': "a b"', 'property-invalid', 'name or ARN'],
  ])('%s', (_what, from, to, rule, why) => {
    const text = LAMBDA.replace(from, to);
    expect(text).not.toBe(LAMBDA);
    const { ok, findings } = read(text);
    expect(ok).toBe(false);
    expect(findings.map((finding) => finding.rule)).toContain(rule);
    expect(findings.map(({ message }) => message).join('\n')).toContain(why);
  });
});

describe('a file for ECS is refused', () => {
  test.each([
    ['with the mark that a pipeline fills in', /"arn.*"/, '<TASK_DEFINITION>', 'property-invalid', 'placeholder'],
    ['with a task definition without its revision', /my-task:7/, 'my-task', 'property-invalid', 'FAMILY:REVISION'],
    ['with a port in quotes', '8080', '"8080"', 'property-invalid', 'take the quotes away'],
    ['with a port that is none', '8080', '70000', 'property-invalid', 'from 1 to 65535'],
    ['without a port', /\n +ContainerPort.*/, '', 'property-missing', 'ContainerPort'],
    ['without its load balancer', /\n +LoadBalancerInfo:\n.*\n.*/, '', 'property-missing', 'LoadBalancerInfo'],
    ['with a network without security groups', /\n +SecurityGroups.*/, '', 'property-missing', 'SecurityGroups'],
    ['with an empty list of subnets', '["subnet-1", "subnet-2"]', '[]', 'property-missing', 'Subnets'],
    ['with a public address that is no word of it', '"ENABLED"', '"Enable"', 'property-invalid', 'ENABLED or DISABLED'],
    [
      'with two bases',
      '- CapacityProvider: FARGATE',
      '- {CapacityProvider: F, Base: 1}',
      'property-invalid',
      'one entry',
    ],
    ['with no weight at all', 'Weight: 2', 'Weight: 0', 'property-invalid', 'above 0'],
    ['with a weight that is no number', 'Weight: 2', 'Weight: much', 'property-invalid', 'whole number'],
    ['with two resources', 'Hooks:', '  - b: {}\nHooks:', 'resource-count', 'one entry'],
    ['with two names for one resource', 'Hooks:', '    b: {}\nHooks:', 'resource-count', 'has one key'],
    ['with a mapping of resources', '- TargetService', '  TargetService', 'not-a-list', 'begins with a dash'],
    ['with hooks in a mapping', /- (\w+): "/g, '$1: "', 'not-a-list', 'begins with a dash'],
  ])('%s', (_what, from, to, rule, why) => {
    const text = ECS.replace(from, to);
    expect(text).not.toBe(ECS);
    const { ok, findings } = read(text);
    expect(ok).toBe(false);
    expect(findings.map((finding) => finding.rule)).toContain(rule);
    expect(findings.map(({ message }) => message).join('\n')).toContain(why);
  });
});

describe('the platform of a file', () => {
  test.each([
    ['Lambda', LAMBDA],
    ['ECS', ECS],
    ['ECS', ECS.toLowerCase().replace('aws::ecs::service', 'AWS::ECS::Service')],
    ['Lambda', 'version: 0.0\nResources: [{TargetService: {Type: "AWS::Lambda::Function"}}]\n'],
    ['Lambda or ECS', 'version: 0.0\nResources: []\n'],
    ['Server', 'version: 0.0\nos: linux\n'],
    ['Server', 'not: [an appspec'],
    ['Server', '- a list'],
    ['Server', ''],
  ])('is %s by the Type of its resource', (platform, text) => {
    expect(platformOfText(text)).toBe(platform);
  });

  test('is held against the one that a deployment has', () => {
    expect(findings(ECS, 'Lambda')).toEqual(['property-invalid@4:13']);
    expect(read(LAMBDA, 'Lambda').ok).toBe(true);
  });
});

/** Values that fit nowhere, or only at times. */
const odd = fc.constantFrom<unknown>(null, '', ' ', 0, 1, -1, 1.5, true, [], {}, ['x'], { x: 1 }, '1', 'a:b', '${x}');
const mostly = (fitting: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 14, arbitrary: fitting }, { weight: 1, arbitrary: odd });
const word = fc.constantFrom('web', 'live', 'shop-1', 'arn:aws:lambda:eu-west-1:123456789012:function:f');
const hooksOf = (platform: ResourcePlatform) =>
  fc
    .uniqueArray(fc.constantFrom(...RESOURCE_HOOK_EVENTS[platform], 'AllowTraffic'), { maxLength: 3 })
    .chain((events) =>
      fc
        .tuple(...events.map((event) => mostly(word).map((name) => ({ [event]: name }))))
        .map((entries) => [...entries]),
    );
const documentOf = (platform: ResourcePlatform, type: string, properties: fc.Arbitrary<unknown>) =>
  fc.record(
    {
      version: mostly(fc.constantFrom(0, '0.0')),
      Resources: mostly(
        fc
          .record({ Type: mostly(fc.constant(type)), Properties: mostly(properties) })
          .map((resource) => [{ x: resource }]),
      ),
      Hooks: mostly(hooksOf(platform)),
    },
    { requiredKeys: ['version', 'Resources'] },
  );
const number = fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 99 }).map(String));
const capacity = fc.record(
  { CapacityProvider: mostly(word), Base: mostly(fc.constantFrom(0, 1)), Weight: mostly(fc.constantFrom(1, 5)) },
  { requiredKeys: ['CapacityProvider'] },
);
const awsvpc = fc.record({
  Subnets: mostly(fc.array(word, { minLength: 1, maxLength: 2 })),
  SecurityGroups: mostly(fc.array(word, { minLength: 1, maxLength: 2 })),
  AssignPublicIp: mostly(fc.constantFrom('ENABLED', 'DISABLED')),
});
const documents = {
  Lambda: documentOf(
    'Lambda',
    'AWS::Lambda::Function',
    fc.record({
      Name: mostly(word),
      Alias: mostly(word),
      CurrentVersion: mostly(number),
      TargetVersion: mostly(number),
    }),
  ),
  ECS: documentOf(
    'ECS',
    'AWS::ECS::Service',
    fc.record(
      {
        TaskDefinition: mostly(fc.constantFrom('web:1', 'arn:aws:ecs:a-b-1:123456789012:task-definition/t:12')),
        LoadBalancerInfo: mostly(
          fc.record({ ContainerName: mostly(word), ContainerPort: mostly(fc.integer({ min: 0, max: 66_000 })) }),
        ),
        PlatformVersion: mostly(fc.constantFrom('LATEST', '1.4.0')),
        NetworkConfiguration: mostly(fc.record({ AwsvpcConfiguration: mostly(awsvpc) })),
        CapacityProviderStrategy: mostly(fc.array(mostly(capacity), { maxLength: 2 })),
      },
      { requiredKeys: ['TaskDefinition', 'LoadBalancerInfo'] },
    ),
  ),
};

/** The words of both grammars in capitals as chance has it; what people name stays as it is. */
function inOtherCapitals(text: string, coins: readonly boolean[]): string {
  let at = 0;
  return text.replace(/^( *(?:- )?(?!x:))([A-Za-z]+)(?=:(?: |$))/gm, (_all, before: string, key: string) => {
    const letters = [...key].map((letter) =>
      coins[at++ % coins.length] ? letter.toUpperCase() : letter.toLowerCase(),
    );
    return `${before}${letters.join('')}`;
  });
}

const asText = (value: unknown) => stringify(value, { version: '1.1', aliasDuplicateObjects: false });

describe.each(['Lambda', 'ECS'] as const)('what is written for %s', (platform) => {
  const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
  const matchesSchema = ajv.compile(resourceSchema(platform));

  test('is of both kinds in the property tests below', () => {
    const seen = fc.sample(documents[platform], { numRuns: 400, seed: 1 }).map((value) => read(asText(value)).ok);
    expect(seen.filter((ok) => ok).length).toBeGreaterThan(20);
    expect(seen.filter((ok) => !ok).length).toBeGreaterThan(20);
  });

  test('is the same whatever the capitals of its keys', () => {
    const coins = fc.array(fc.boolean(), { minLength: 7, maxLength: 31 });
    fc.assert(
      fc.property(documents[platform], coins, (value, flips) => {
        const text = asText(value);
        const plain = read(text, platform);
        const other = read(inOtherCapitals(text, flips), platform);
        const told = plain.findings.map(({ rule, position }) => ({ rule, position }));
        expect(other.findings.map(({ rule, position }) => ({ rule, position }))).toEqual(told);
        if (plain.ok) expect(other).toEqual(plain);
      }),
      { numRuns: 150 },
    );
  });

  test('is never refused without a word, and never taken with an error', () => {
    fc.assert(
      fc.property(documents[platform], (value) => {
        const { ok, findings } = read(asText(value), platform);
        expect(findings.some(({ severity }) => severity === 'error')).toBe(!ok);
      }),
      { numRuns: 250 },
    );
  });

  test('fits the JSON Schema when the reader takes it without a warning, and is refused by neither alone', () => {
    // Sums, and whether two values are the same, are beyond a schema.
    const beyond = /^(?:TargetVersion is|only one entry|an entry of CapacityProviderStrategy must have a Weight)/;
    fc.assert(
      fc.property(documents[platform], (value) => {
        const text = asText(value);
        const { ok, findings } = read(text, platform);
        const accepted = matchesSchema(parse(text, { version: '1.1' }));
        if (ok && findings.length === 0)
          expect(accepted, `${text}\n${JSON.stringify(matchesSchema.errors)}`).toBe(true);
        if (!accepted) return;
        const errors = findings.filter(({ severity, message }) => severity === 'error' && !beyond.test(message));
        expect(errors, text).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });
});
