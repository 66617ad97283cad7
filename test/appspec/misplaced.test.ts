/** Keys and events that stand where nobody reads them, and faults that must be told once. */
import { describe, expect, test } from 'vitest';
import { whereItBelongs } from '../../src/appspec/misplaced.ts';
import { parseAppSpec, readAppSpec } from '../../src/appspec/parse.ts';

const options = { filename: 'appspec.yml', platform: 'linux' } as const;
const head = 'version: 0.0\nos: linux\n';

/** `severity rule@line:column` of every finding but that the text is no whole revision. */
function findings(text: string): string[] {
  return readAppSpec(text, options)
    .findings.filter(({ rule }) => rule !== 'nothing-to-do')
    .map(({ severity, rule, position }) => `${severity} ${rule}@${position?.line}:${position?.column}`);
}

const messages = (text: string) => readAppSpec(text, options).findings.map(({ message }) => message);

const mapping = (extra: string) => `${head}files:\n  - source: a\n    destination: /b\n    ${extra}\n`;
const script = (extra: string) => `${head}hooks:\n  AfterInstall:\n    - location: a.sh\n      ${extra}\n`;
const permission = (extra: string) => `${head}permissions:\n  - object: /b\n    ${extra}\n`;

describe('a key in the wrong place is a warning that says where it belongs:', () => {
  test.each([
    [mapping('file_exists_behavior: OVERWRITE'), 'file_exists_behavior belongs at the top of the file'],
    [mapping('overwrite: true'), 'file_exists_behavior: OVERWRITE belongs at the top of the file'],
    [mapping('overwrite: yes'), 'file_exists_behavior: OVERWRITE belongs at the top'],
    [mapping('fileExistsBehavior: OVERWRITE'), 'file_exists_behavior belongs at the top'],
    [mapping('owner: root'), 'owner belongs in an entry of permissions'],
    [mapping('mode: "755"'), 'mode belongs in an entry of permissions'],
    [mapping('permissions: []'), 'permissions belongs at the top of the file'],
    [mapping('runas: root'), 'runas belongs in the entry of a script'],
    [mapping('timeout: 3'), 'timeout belongs in the entry of a script'],
    [mapping('hooks: {}'), 'hooks belongs at the top of the file'],
    [mapping('AfterInstall: []'), 'AfterInstall belongs below hooks'],
    [script('file_exists_behavior: RETAIN'), 'file_exists_behavior belongs at the top'],
    [script('mode: "755"'), 'mode belongs in an entry of permissions'],
    [script('source: x'), 'source belongs in an entry of files'],
    [permission('runas: root'), 'runas belongs in the entry of a script'],
    [permission('range: s0'), 'range belongs in the context'],
    [permission('destination: /x'), 'destination belongs in an entry of files'],
    [`${head}runas: root\n`, 'runas belongs in the entry of a script'],
    [`${head}timeout: 300\n`, 'timeout belongs in the entry of a script'],
    [`${head}overwrite: true\n`, 'did you mean'],
    [`${head}source: a\n`, 'source belongs in an entry of files'],
  ])('%j: %s', (text, expected) => {
    const result = parseAppSpec(text, options);
    expect(result.ok).toBe(true);
    expect(result.findings).toHaveLength(1);
    expect(result.findings[0]?.message).toContain(expected);
    expect(result.findings[0]?.severity).toBe('warning');
  });

  test.each([
    ['run_as', "did you mean 'runas'"],
    ['timeoutSeconds', "did you mean 'timeout'"],
    ['Location', "did you mean 'location'"],
    ['timout', "did you mean 'timeout'"],
  ])('one that is only misspelt is told what is meant: %s', (name, expected) => {
    expect(messages(script(`${name}: x`))[0]).toContain(expected);
  });

  test('one that nobody knows anywhere is only named', () => {
    expect(messages(mapping('colour: red'))).toEqual(["'colour' is no key of an entry of files and is ignored"]);
    expect(whereItBelongs('constructor', 'files')).toBeNull();
  });
});

describe('what must be a list of scripts is told how, once:', () => {
  test.each([
    ['  AfterInstall:\n    location: a.sh\n    timeout: 3\n', 'each script begins with a dash'],
    ['  AfterInstall: a.sh\n', "write '- location: a.sh' below it"],
    ['  AfterInstall:\n    - a.sh\n', "write 'location: a.sh'"],
    ['  timeout: 300\n', 'timeout belongs in the entry of a script'],
    ['  runas: root\n', 'runas belongs in the entry of a script'],
    ['  location: a.sh\n', 'location belongs in the entry of a script'],
    ['  files: x\n', 'files belongs at the top of the file'],
  ])('hooks with %j', (hooks, expected) => {
    expect(messages(`${head}hooks:\n${hooks}`)).toEqual([expect.stringContaining(expected)]);
    expect(parseAppSpec(`${head}hooks:\n${hooks}`, options).ok).toBe(false);
  });
});

describe('an event beside hooks instead of below it is an error:', () => {
  test.each([
    ['hooks:\nAfterInstall:\n  - location: a.sh\n', 4],
    ['AfterInstall:\n  - location: a.sh\n', 3],
    ['hooks:\n  BeforeInstall:\n    - location: a.sh\nApplicationStart:\n  - location: b.sh\n', 6],
    ['afterinstall:\n  - location: a.sh\n', 3],
    ['AfterInstal:\n  - location: a.sh\n', 3],
    ['ValidateService:\n', 3],
  ])('%j', (text, line) => {
    expect(findings(head + text)).toEqual([`error event-outside-hooks@${line}:1`]);
    expect(parseAppSpec(head + text, options).ok).toBe(false);
  });

  test('but no key that only looks a little like one', () => {
    expect(findings(`${head}anchors:\n  - &a x\n`)).toEqual(['warning unknown-key@3:1']);
  });
});

describe('one fault is one finding:', () => {
  test.each([
    ['hooks:\n  AfterInstall:\n    - location: *gone\n', 'not-yaml@5:17'],
    ['hooks:\n  AfterInstall:\n    - location: [a]\n', 'not-text@5:17'],
    ['hooks:\n  AfterInstall:\n    - <<: *gone\n      location: x\n', 'not-yaml@5:11'],
    ['files:\n  - source: {a: 1}\n    destination: /b\n', 'not-text@4:13'],
    ['files:\n  - source: a\n    destination: *gone\n', 'not-yaml@5:18'],
    ['permissions:\n  - object: [a]\n', 'not-text@4:13'],
    ['permissions:\n  - object: /a\n    context: {type: [a]}\n', 'not-text@5:21'],
    ['files:\n\t- source: a\n\t  destination: /b\n\t- source: c\n\t  destination: /d\n', 'not-yaml@4:1'],
    ['files:\n  - source: "a\n    destination: /b\n', 'not-yaml@6:1'],
    ['files:\n  - source: [a\n    destination: /b\nhooks:\n  AfterInstall:\n    - location: x\n', 'not-yaml@5:5'],
    ['files: @a\nhooks: `b`\n', 'not-yaml@3:8'],
    ['hooks: {\n', 'not-yaml@4:1'],
  ])('%j', (text, expected) => {
    expect(findings(head + text)).toEqual([`error ${expected}`]);
  });

  test('also where the head itself is at fault', () => {
    expect(findings('version: *gone\nos: linux\n')).toEqual(['error not-yaml@1:10']);
    expect(findings('version: 0.0\nos: *gone\n')).toEqual(['error not-yaml@2:5']);
  });
});

describe('a second YAML document', () => {
  test.each([
    [`${head}---\nversion: 0.0\nos: linux\n`, 'error', 3],
    [`---\n${head}---\nhooks: {}\n`, 'error', 4],
    [`${head}...\n---\nfiles: []\n`, 'error', 4],
    [`${head}---\n- a\n---\n- b\n`, 'error', 3],
    [`${head}---\n`, 'warning', 3],
    [`${head}---\n# nothing more\n...\n`, 'warning', 3],
  ])('a second YAML document of %j is found (%s)', (text, severity, line) => {
    expect(findings(text)).toEqual([`${severity} second-document@${line}:1`]);
    expect(parseAppSpec(text, options).ok).toBe(severity === 'warning');
  });

  test.each([`---\n${head}`, `# a comment\n---\n${head}...\n`, `${head}...\n`])('is none in %j', (text) => {
    expect(findings(text)).toEqual([]);
  });
});

test.each(['.', '._', '-.', './', '..x'])(
  'a source that is written %s needs no quotes: no reader takes it for a number',
  (source) => {
    expect(findings(`${head}files:\n  - source: ${source}\n    destination: /b\n`)).toEqual([]);
  },
);

test.each(['.5', '.nan', '1.', '1_000', 'yes', '1e3'])('a source that is written %s does', (source) => {
  expect(findings(`${head}files:\n  - source: ${source}\n    destination: /b\n`)).toEqual([
    'warning text-unquoted@4:13',
  ]);
});

describe('timeouts that add up to too much', () => {
  const hooks = (...scripts: (number | null)[]) => {
    const entries = scripts.map((timeout, n) => {
      return `    - location: ${n}.sh\n${timeout === null ? '' : `      timeout: ${timeout}\n`}`;
    });
    return `${head}hooks:\n  AfterInstall:\n${entries.join('')}`;
  };

  test('are listed, and those that are defaults are called so', () => {
    expect(messages(hooks(300, null, 60))).toEqual([
      'the timeouts of AfterInstall add up to 3960 seconds; the service fails an event after 3600: 300 of 0.sh, ' +
        '3600 by default, because there is none given, of 1.sh, 60 of 2.sh',
    ]);
    expect(messages(hooks(2000, 2000))).toEqual([
      'the timeouts of AfterInstall add up to 4000 seconds; the service fails an event after 3600: 2000 of 0.sh, 2000 of 1.sh',
    ]);
  });

  test('are nothing to say where none is given, or they fit', () => {
    expect(messages(hooks(null, null))).toEqual([]);
    expect(messages(hooks(1800, 1800))).toEqual([]);
  });
});
