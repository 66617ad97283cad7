/** Texts that are made to hurt whoever reads them. Each must be read to its end, without a fault, in a time that nobody notices. */
import { describe, expect, test } from 'vitest';
import { parseAppSpec } from '../../src/appspec/parse.ts';

const options = { filename: 'appspec.yml', platform: 'linux' } as const;
const head = 'version: 0.0\nos: linux\n';
/** Findings that say no more than that the text is no whole revision. */
const rules = (text: string) => {
  const all = new Set<string>(parseAppSpec(text, options).findings.map(({ rule }) => rule));
  all.delete('nothing-to-do');
  return [...all];
};

describe('an AppSpec file that', () => {
  test('has a hundred thousand brackets is refused', () => {
    expect(parseAppSpec('['.repeat(100_000), options).ok).toBe(false);
    expect(parseAppSpec(`${head}x: ${'['.repeat(50_000)}${']'.repeat(50_000)}`, options).ok).toBeTypeOf('boolean');
  });

  test('is larger than any is refused before it is read', () => {
    expect(rules(`${head}# ${'x'.repeat(300_000)}`)).toEqual(['too-large']);
  });

  test('holds bytes that are not UTF-8 is refused at the value that they would change; a comment may', () => {
    const latin1 = `${head}# f\u00fcr\nfiles:\n  - source: a\n    destination: /srv/f\u00fcr\n`;
    const text = Buffer.from(latin1, 'latin1').toString('utf8');
    const { findings } = parseAppSpec(text, options);
    expect(findings).toMatchObject([{ rule: 'not-utf8', severity: 'error', position: { line: 6, column: 18 } }]);
    expect(rules(text.replace(/files.*/s, ''))).toEqual([]);
  });

  test('has twenty thousand keys is read', () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `k${index}: 1`).join('\n');
    expect(rules(head + keys)).toEqual(['unknown-key']);
  });

  test('has thousands of aliases is read', () => {
    const aliases = '    - *h\n'.repeat(20_000);
    const result = parseAppSpec(`${head}hooks:\n  AfterInstall:\n    - &h {location: a.sh}\n${aliases}`, options);
    expect(result.ok && result.appSpec.hooks.get('AfterInstall')?.length).toBe(20_001);
  });

  test('doubles itself with each merge is read once', () => {
    const levels = Array.from({ length: 40 }, (_, n) => `m${n + 1}: &m${n + 1} {<<: [*m${n}, *m${n}]}`).join('\n');
    expect(rules(`${head}m0: &m0 {a: 1}\n${levels}\nhooks:\n  <<: *m40\n`)).toEqual([
      'unknown-key',

      'not-a-list',
    ]);
  });

  test('merges or names itself is read', () => {
    expect(rules(`${head}hooks: &h\n  <<: *h\n`)).toEqual([]);
    expect(rules(`${head}hooks: &h\n  AfterInstall: *h\n`)).toEqual(['not-a-list']);
    expect(rules(`${head}hooks: *nobody\n`)).toEqual(['not-yaml']);
  });

  test('is nonsense on every line says so about the first one', () => {
    const { findings } = parseAppSpec('\t: : - @ \n'.repeat(2_000), options);
    expect(findings.length).toBe(1);
  });

  test('uses names of object members as keys is read', () => {
    expect(rules(`${head}__proto__: {a: 1}\nconstructor: 1\nhooks:\n  toString:\n    - location: a\n`)).toEqual([
      'unknown-key',
      'event-custom',
    ]);
  });
});
