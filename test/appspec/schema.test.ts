/** The published JSON Schema and the parser must be of one mind, in both directions. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseAppSpec } from '../../src/appspec/parse.ts';
import type { LintRuleId } from '../../src/appspec/rules.ts';
import { APPSPEC_SCHEMA } from '../../src/appspec/schema.ts';
import type { Finding } from '../../src/appspec/types.ts';
import { HOOK_EVENTS } from '../../src/protocol/lifecycle-events.ts';

const matchesSchema = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(APPSPEC_SCHEMA);
const options = { filename: 'appspec.yml', platform: 'linux' } as const;

/** Sums, order and digits of numbers, which a schema cannot judge. */
const BEYOND_A_SCHEMA: readonly LintRuleId[] = ['range-invalid', 'mode-invalid'];

const odd = fc.constantFrom<unknown>(null, '', ' ', 0, 1, -1, 1.5, true, [], {}, ['x'], { x: 1 }, 'no', '..', 'a\0b');
/** Mostly what fits, at times what may not. */
const mostly = (fitting: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: fitting }, { weight: 1, arbitrary: odd });
const word = fc.constantFrom('a', 'b c', 'site/x', '/', 'web', '../x', 'x/..', 'a/ .. /b', 'ünï');
const aclParts = fc.constantFrom(
  'd',
  'default',
  'u',
  'user',
  'g',
  'group',
  'm',
  'mask',
  'o',
  'other',
  'bob',
  '',
  ' ',
  'a,b',
  'rw',
  '7',
  '8',
  'rwx-',
  '-',
);
const acl = fc.array(aclParts, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(':'));
const mode = fc.oneof(
  fc.stringMatching(/^[0-9]{0,5}$/),
  fc.stringMatching(/^0o[0-7]{0,5}$/),
  fc.integer({ min: -1, max: 8000 }),
);
const timeout = fc.oneof(
  fc.integer({ min: -1, max: 4000 }),
  fc.integer({ min: 0, max: 4000 }).map(String),
  fc.constantFrom('007', ' 5 ', '5s', 0.5),
);
const range = fc.stringMatching(/^s[01](-s[0-2])?(:c[0-3](\.c[0-3])?(,c[4-6])?)?$/);

const mapping = fc.record(
  { source: mostly(word), destination: mostly(word.map((text) => `/${text}`)), soruce: mostly(word) },
  { requiredKeys: ['source', 'destination'] },
);
const hook = fc.record(
  { location: mostly(word), timeout: mostly(timeout), runas: mostly(word), sudo: mostly(fc.boolean()), extra: odd },
  { requiredKeys: ['location'] },
);
const context = fc.record(
  { user: mostly(word), name: mostly(word), type: mostly(word), range: mostly(range) },
  { requiredKeys: ['type'] },
);
const permission = fc.record(
  {
    object: mostly(word),
    pattern: mostly(word),
    except: mostly(fc.array(word)),
    type: mostly(fc.oneof(fc.constantFrom('file', 'directory'), fc.subarray(['file', 'directory', 'link']))),
    owner: mostly(word),
    group: mostly(word),
    mode: mostly(mode),
    acls: mostly(fc.oneof(acl, fc.array(acl, { maxLength: 2 }))),
    context: mostly(context),
  },
  { requiredKeys: ['object'] },
);
const document = fc.record(
  {
    version: mostly(fc.constantFrom(0, '0.0')),
    os: mostly(fc.constant('linux')),
    file_exists_behavior: mostly(fc.constantFrom('DISALLOW', 'OVERWRITE', 'RETAIN', 'retain')),
    files: mostly(fc.array(mostly(mapping), { maxLength: 2 })),
    permissions: mostly(fc.array(mostly(permission), { maxLength: 2 })),
    hooks: mostly(
      fc.dictionary(fc.constantFrom(...HOOK_EVENTS, 'AfterInstal'), mostly(fc.array(mostly(hook), { maxLength: 2 })), {
        maxKeys: 2,
      }),
    ),
  },
  { requiredKeys: ['version', 'os'] },
);

/** Value that a reader of YAML 1.1 makes of a document's text: the schema and the parser must look at the same. */
const asText = (value: unknown) => stringify(value, { version: '1.1', aliasDuplicateObjects: false });

/** A schema has no words for a file that is right and of no use. */
const isNoFault = ({ rule }: Finding) => rule === 'nothing-to-do';

test('the property tests below see documents of both kinds', () => {
  // By chance a sample has 20 to 41 valid ones; this one stays the same.
  const seen = fc.sample(document, { numRuns: 400, seed: 1 }).map((value) => parseAppSpec(asText(value), options));
  expect(seen.filter(({ ok, findings }) => ok && findings.every(isNoFault)).length).toBeGreaterThan(20);
  expect(seen.filter(({ ok }) => !ok).length).toBeGreaterThan(20);
});

describe('the JSON Schema', () => {
  test('accepts what the parser takes without a warning', () => {
    fc.assert(
      fc.property(document, (value) => {
        const text = asText(value);
        const result = parseAppSpec(text, options);
        if (!result.ok || !result.findings.every(isNoFault)) return;
        const accepted = matchesSchema(parse(text, { version: '1.1' }));
        expect(accepted, `${text}\n${JSON.stringify(matchesSchema.errors)}`).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('accepts nothing that the parser refuses', () => {
    fc.assert(
      fc.property(document, (value) => {
        const text = asText(value);
        if (!matchesSchema(parse(text, { version: '1.1' }))) return;
        const errors = parseAppSpec(text, options).findings.filter(({ severity }) => severity === 'error');
        expect(
          errors.filter(({ rule }) => !BEYOND_A_SCHEMA.includes(rule)),
          text,
        ).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['a misspelt key', { version: 0.0, os: 'linux', hoks: {} }],
    ['a misspelt event', { version: 0.0, os: 'linux', hooks: { AfterInstal: [{ location: 'a' }] } }],
    ['a script without a location', { version: 0.0, os: 'linux', hooks: { AfterInstall: [{ timeout: 5 }] } }],
    ['a relative destination', { version: 0.0, os: 'linux', files: [{ source: 'a', destination: 'b' }] }],
    ['a file for Lambda', { version: 0.0, Resources: [] }],
  ])('marks %s', (_what, value) => {
    expect(matchesSchema(value)).toBe(false);
  });
});
