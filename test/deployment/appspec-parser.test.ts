import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type AppSpecParser,
  plainAppSpecParser,
  rememberingAppSpecParser,
} from '../../src/deployment/appspec-parser.ts';

const TEXTS = [
  'version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: a.sh\n',
  'version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: b.sh\n',
  'version: 0.0\nos: linux\nfiles:\n  - source: /\n    destination: /srv/site\n',
  'version: 0.0\n',
  'no AppSpec file: [',
  '',
];

/** A parser that notes down what it is asked. */
function listening(): { readonly parser: AppSpecParser; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    parser: {
      parse(text, filename) {
        asked.push(`parse ${filename} ${text}`);
        return plainAppSpecParser.parse(text, filename);
      },
      parseInstalled(text) {
        asked.push(`installed ${text}`);
        return plainAppSpecParser.parseInstalled(text);
      },
    },
  };
}

test('a parser that remembers answers as one that does not, in whatever order texts come', () => {
  const question = fc.record({
    text: fc.constantFrom(...TEXTS),
    filename: fc.constantFrom('appspec.yml', 'appspec.yaml'),
    isInstalled: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(question, { maxLength: 30 }), (questions) => {
      const remembering = rememberingAppSpecParser();
      const ask = (parser: AppSpecParser) =>
        questions.map(({ text, filename, isInstalled }) =>
          isInstalled ? parser.parseInstalled(text) : parser.parse(text, filename),
        );
      expect(ask(remembering)).toEqual(ask(plainAppSpecParser));
    }),
  );
});

test('a text that is asked for again and again is parsed once, and a text that has changed is parsed anew', () => {
  const { parser, asked } = listening();
  const remembering = rememberingAppSpecParser(parser);
  const [first = '', second = ''] = TEXTS;
  for (const text of [first, first, second, second, first]) remembering.parse(text, 'appspec.yml');
  expect(asked).toEqual([first, second, first].map((text) => `parse appspec.yml ${text}`));
});

test('the hooks of an installed revision and the new AppSpec file do not push each other out', () => {
  const { parser, asked } = listening();
  const remembering = rememberingAppSpecParser(parser);
  const [old = '', next = ''] = TEXTS;
  for (let event = 0; event < 3; event += 1) {
    remembering.parseInstalled(old);
    remembering.parse(next, 'appspec.yml');
  }
  expect(asked).toEqual([`installed ${old}`, `parse appspec.yml ${next}`]);
});

test('a text that cannot be parsed gives the same findings each time', () => {
  const remembering = rememberingAppSpecParser();
  const [first, second] = [remembering.parse('[', 'appspec.yml'), remembering.parse('[', 'appspec.yml')];
  expect(first).toMatchObject({ ok: false, findings: [{ rule: 'not-yaml' }] });
  expect(second).toBe(first);
});
