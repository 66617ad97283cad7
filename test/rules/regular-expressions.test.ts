import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { expressionsBelow, expressionsIn } from './regular-expressions.ts';
import { slowTextFor } from './worst-letters.ts';

const found = expressionsBelow(fileURLToPath(new URL('../../src', import.meta.url)));

describe('the regular expressions of the sources', () => {
  test('are all found', () => {
    expect(found.length).toBeGreaterThan(200);
    const text = "const a = /a\\/+/g.test('/b+/');\nconst b = new RegExp('c+');\nconst c = RegExp(a, 'g');\n";
    expect(expressionsIn('x.ts', text)).toEqual([
      { place: 'x.ts:1', expression: /a\/+/g },
      { place: 'x.ts:2', expression: null },
      { place: 'x.ts:3', expression: null },
    ]);
  });

  test('are never made of texts while the program runs', () => {
    expect(found.filter(({ expression }) => expression === null).map(({ place }) => place)).toEqual([]);
  });

  test('take time that grows no faster than the text, for 100 KB of their worst letters', { timeout: 120_000 }, () => {
    const slow = found.flatMap(({ place, expression }) => {
      const text = expression === null ? null : slowTextFor(expression);
      return text === null ? [] : [`${place} ${expression}: ${JSON.stringify(text)}`];
    });
    expect(slow).toEqual([]);
  });
});

describe('an expression whose time grows faster than the text', () => {
  test.each([
    /\/+$/,
    /^(a+)+$/,
    /^(\w|\d)*!$/,
    /^\s*(.*?)\s*$/,
    /<Part>[\s\S]*?<ETag>/g,
    /(?:"[^"]*"|[^"])*x/,
    /key\s*=\s*(.*)\s*;/,
    /^(?:a|b|ab)*c/,
    /x[a-z]{1,5000}:/,
    /#(?=.*!)/g,
  ])('is found: %s', (expression) => {
    expect(slowTextFor(expression)).not.toBeNull();
  });

  test.each([/^a+b+c$/, /^[^/]+\/+$/, /\r?\n/, /(?:"[^"]*"|[^\s"])/g, /^(?:a|b)*c/, /^Begin \d+ .*$/m])(
    'is another than %s',
    (expression) => {
      expect(slowTextFor(expression)).toBeNull();
    },
  );
});
