/** Faults that keep an AppSpec file from being read as text: one finding for each, and what to do. */
import { expect, test } from 'vitest';
import { readAppSpec } from '../../src/appspec/parse.ts';

const SOUND = 'version: 0.0\nos: linux\nhooks:\n  AfterInstall:\n    - location: a.sh\n';

function findings(text: string) {
  const reading = readAppSpec(text, { filename: 'appspec.yml', platform: 'linux' });
  return reading.findings.map(({ rule, position, message }) => ({ rule, line: position?.line, message }));
}

test.each([
  ['least significant byte first', Buffer.from(`\ufeff${SOUND}`, 'utf16le')],
  ['most significant byte first', Buffer.from(`\ufeff${SOUND}`, 'utf16le').swap16()],
  ['without a mark', Buffer.from(SOUND, 'utf16le')],
])('An AppSpec file in UTF-16, %s, has one finding, which says so', (_, bytes) => {
  expect(findings(bytes.toString('utf8'))).toEqual([
    { rule: 'not-utf8', line: 1, message: expect.stringContaining('UTF-16: save the file as UTF-8') },
  ]);
});

test.each(['\x1b', '\x07', '\x0c', '\x7f', '\x9b'])(
  'The control character %j is refused wherever it stands, as YAML does',
  (character) => {
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    const message = `here is the control character U+${code}, which YAML does not allow: remove it`;
    expect(findings(`${SOUND}# ${character}\n`)).toEqual([{ rule: 'not-yaml', line: 6, message }]);
  },
);

test.each(['\t', '\r\n', '\x85', '\u00a0', '\u2028', '💡'])('%j in a comment harms nobody', (character) => {
  expect(findings(`${SOUND}# a${character}# b\n`)).toEqual([]);
});

test.each([
  ['at its beginning', `<<<<<<< HEAD\n${SOUND}=======\n${SOUND}>>>>>>> other\n`, 1],
  ['in its middle', `version: 0.0\nos: linux\n<<<<<<< HEAD\nfiles: []\n=======\nhooks: {}\n>>>>>>> 1a2b3c\n`, 3],
])('A merge that was not finished, %s, is named with the line of its mark', (_, text, line) => {
  expect(findings(text)).toEqual([
    { rule: 'not-yaml', line, message: 'here is the mark of a conflict: finish the merge, and remove the marks' },
  ]);
});

test('An alias that stands for nothing is one finding, and the entry that it leaves empty is none', () => {
  expect(findings(`${SOUND}    - *nope\n`)).toEqual([
    { rule: 'not-yaml', line: 6, message: '*nope stands for nothing: there is no &nope before it' },
  ]);
});

const FILES = 'version: 0.0\nos: linux\nfiles:\n';

test.each([
  ['a no-break space that indents', `${FILES}\u00a0 - source: a\n    destination: /x\n`, 4, 'the character U+00A0'],
  ['a full-width blank behind a dash', `${FILES}  -\u3000source: a\n    destination: /x\n`, 4, 'the character U+3000'],
  ['a tab that indents', `${FILES}\t- source: a\n`, 4, 'here a tab stands where the line is indented'],
  ['no blank behind a colon', `${FILES}  - source:a\n    destination: /x\n`, 4, "a blank is missing behind 'source:'"],
  ['no blank behind any colon', 'version:0.0\nos:linux\n', 1, "a blank is missing behind 'version:'"],
  ['no dash before a file', `${FILES}  source: a\n  destination: /x\n`, 4, "begins with a dash, '- source: …'"],
  ['no dash before a permission', `${SOUND}permissions:\n  object: /x\n`, 7, "begins with a dash, '- object: …'"],
  [
    'dashes before events',
    'version: 0.0\nos: linux\nhooks:\n  - AfterInstall:\n    - location: a.sh\n',
    4,
    'take the dashes',
  ],
  ['dashes before its keys', '- version: 0.0\n- os: linux\n', 1, 'take the dashes before its keys away'],
  ['a template that was not filled in', `${FILES}  - source: a\n    destination: {{ path }}\n`, 5, 'filled in?'],
  ['an os with a capital', 'version: 0.0\nos: Linux\n', 2, "did you mean 'linux'?"],
  ['a behavior in small letters', `${SOUND}file_exists_behavior: overwrite\n`, 6, "did you mean 'OVERWRITE'?"],
  ['typographic quotes', `${FILES}  - source: “a”\n    destination: /x\n`, 4, 'begins with a typographic quote'],
  [
    'a system that is another',
    `version: 0.0\nos: windows\nfiles:\n  - source: \\a\n    destination: C:\\x\n`,
    2,
    'os is windows',
  ],
])('An AppSpec file with %s has one finding, which says what was meant', (_, text, line, message) => {
  expect(findings(text)).toEqual([{ rule: expect.any(String), line, message: expect.stringContaining(message) }]);
});

test.each([
  ['a no-break space inside of a text', `${FILES}  - source: a\u00a0b\n    destination: /x\n`],
  ['an address in a text', `${SOUND}  ApplicationStart:\n    - location: "http://x"\n`],
])('An AppSpec file with %s is sound', (_, text) => {
  expect(findings(text)).toEqual([]);
});
