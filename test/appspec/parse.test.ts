import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseAppSpec } from '../../src/appspec/parse.ts';
import { renderFindings } from '../../src/appspec/render.ts';
import type { AppSpec } from '../../src/appspec/types.ts';

const options = { filename: 'appspec.yml', platform: 'linux' } as const;
const head = 'version: 0.0\nos: linux\n';

function parsed(text: string): AppSpec {
  const result = parseAppSpec(text, options);
  if (!result.ok) throw new Error(renderFindings(result.findings, text, 'appspec.yml').join('\n'));
  return result.appSpec;
}

/** `rule@line` of every finding. */
function findings(text: string): string[] {
  return parseAppSpec(text, options).findings.map(({ rule, position }) => `${rule}@${position?.line ?? '-'}`);
}

describe('a whole file', () => {
  test('is read with every default filled in', () => {
    const appSpec = parsed(`${head}file_exists_behavior: OVERWRITE
files:
  - source: /site
    destination: /srv/site
  - source: /
    destination: /srv/all
permissions:
  - object: /srv/site
    mode: "755"
hooks:
  AfterInstall:
    - location: /scripts/a.sh
    - location: scripts/b.sh
      timeout: "300"
      runas: web
      sudo: true
  ApplicationStop:
`);
    expect(appSpec.fileExistsBehavior).toBe('OVERWRITE');
    expect(appSpec.files).toEqual([
      { source: 'site', destination: '/srv/site' },
      { source: '', destination: '/srv/all' },
    ]);
    expect(appSpec.permissions).toEqual([
      {
        ...{ object: '/srv/site', pattern: '**', except: [], types: ['file', 'directory'] },
        ...{ owner: null, group: null, mode: '755', acls: null, context: null },
      },
    ]);
    expect([...appSpec.hooks]).toEqual([
      [
        'AfterInstall',
        [
          { location: 'scripts/a.sh', timeoutSeconds: 3600, runas: null, sudo: false },
          { location: 'scripts/b.sh', timeoutSeconds: 300, runas: 'web', sudo: true },
        ],
      ],
    ]);
  });

  test('may be JSON, have a byte order mark, CRLF lines and anchors', () => {
    expect(parsed('{"version": 0.0, "os": "linux"}').os).toBe('linux');
    expect(parsed('\uFEFFversion: 0.0\r\nos: linux\r\n').os).toBe('linux');
    const anchored = parsed(`${head}hooks:\n  BeforeInstall: &a\n    - location: x.sh\n  AfterInstall: *a\n`);
    expect(anchored.hooks.get('AfterInstall')).toEqual(anchored.hooks.get('BeforeInstall'));
  });

  test('a whole file that is empty says what it needs at least', () => {
    const result = parseAppSpec('# nothing\n', options);
    expect(result.findings[0]?.message).toContain("'version: 0.0' and 'os: linux'");
  });

  test.each(['windows', 'Linux', 'macos', '""'])('os %s is refused: it is not for this platform', (os) => {
    expect(findings(`version: 0.0\nos: ${os}\n`)).toEqual([expect.stringMatching(/^os-/)]);
  });

  test('shows all its errors at once, each with its place', () => {
    const text = `version: 1.0
os: windows
files:
  - source: a
  - destination: /b
  - source: c
    destination: relative/path
hooks:
  AfterInstall:
    - timeout: 0
      location: a.sh
    - runas: me
`;
    expect(findings(text)).toEqual([
      'version-unsupported@1',
      'os-other@2',
      'destination-missing@4',
      'source-missing@5',
      'destination-relative@7',
      'timeout-invalid@10',
      'location-missing@12',
    ]);
  });

  test('a whole file with the same key twice is refused with the line of the second', () => {
    expect(findings(`${head}hooks:\n  AfterInstall:\n    - location: a\n  AfterInstall:\n    - location: b\n`)).toEqual(
      ['duplicate-key@6'],
    );
  });

  test.each([
    ['Lambda', 'resources:\n  - myFunction:\n      type: AWS::Lambda::Function\nhooks:\n  - BeforeAllowTraffic: f\n'],
    ['Lambda', 'Resources:\n  - myFunction:\n      Type: AWS::Lambda::Function\n'],
    ['ECS', 'Resources:\n  - TargetService:\n      Type: AWS::ECS::Service\n'],
    ['ECS', 'resources:\n  - TargetService:\n'],
    ['Lambda or ECS', 'resources: []\n'],
    ['Lambda or ECS', 'Hooks:\n  - AfterAllowTestTraffic: f\n'],
  ])('for %s is recognised whatever its capitals, and refused with where it belongs', (platform, text) => {
    expect(parseAppSpec(`version: 0.0\n${text}`, options).findings).toEqual([
      {
        severity: 'error',
        rule: 'other-platform',
        message: expect.stringMatching(new RegExp(`AppSpec file for ${platform}: give it to the control plane`)),
        position: expect.objectContaining({ column: 1 }),
      },
    ]);
  });

  test('a whole file that is JSON for ECS is recognised and refused', () => {
    const text = '{"version": 0.0, "Resources": [{"TargetService": {"Type": "AWS::ECS::Service"}}]}';
    expect(findings(text)).toEqual(['other-platform@1']);
  });

  test('may merge mappings with <<, and what is written there itself goes before what is merged', () => {
    const { hooks } = parsed(`${head}x: &usual {timeout: 60, runas: web}
y: &other {timeout: 70, sudo: true}
hooks:
  AfterInstall:
    - <<: *usual
      location: a.sh
      runas: db
    - <<: [*usual, *other]
      location: b.sh
`);
    expect(hooks.get('AfterInstall')).toEqual([
      { location: 'a.sh', timeoutSeconds: 60, runas: 'db', sudo: false },
      { location: 'b.sh', timeoutSeconds: 60, runas: 'web', sudo: true },
    ]);
  });

  test('a whole file that names an anchor which is nowhere is refused with the line', () => {
    expect(findings(`${head}hooks:\n  AfterInstall: *nobody\n`)).toEqual(['not-yaml@4']);
  });

  test.each([
    ['version: 0\nos: linux', true],
    ['version: "0.0"\nos: linux', true],
    ['version: 0.1\nos: linux', false],
    ['os: linux', false],
    ['version: 0.0', false],
    ['version: 0.0\nos: Linux', false],
    ['- a\n- b', false],
    ['just text', false],
    ['version: [', false],
    ['\tversion: 0.0', false],
  ])('%j: %s', (text, ok) => {
    expect(parseAppSpec(text, options).ok).toBe(ok);
  });
});

describe('words that look like mistakes', () => {
  test('a misspelt event is a warning with the event that was meant', () => {
    const result = parseAppSpec(`${head}hooks:\n  AfterInstal:\n    - location: a.sh\n`, options);
    expect(result.ok).toBe(true);
    expect(result.findings).toMatchObject([
      { severity: 'warning', message: expect.stringContaining("'AfterInstall'") },
    ]);
  });
  test('a misspelt key is a warning with the key that was meant', () => {
    const result = parseAppSpec(`${head}hoks:\n  a: b\n`, options);
    expect(result.findings).toMatchObject([{ rule: 'unknown-key', message: expect.stringContaining("'hooks'") }]);
  });
  test('an event of your own is a warning that only local deployments have it', () => {
    expect(findings(`${head}hooks:\n  WarmCaches:\n    - location: a\n`)).toEqual(['event-custom@4']);
  });
  test.each(['Install', 'DownloadBundle', 'BlockTraffic', 'AllowTraffic', 'Start', 'End'])(
    'scripts of %s, which runs none, are a warning',
    (event) => {
      expect(findings(`${head}hooks:\n  ${event}:\n    - location: a\n`)).toEqual(['event-without-scripts@4']);
    },
  );
  test('an event that only ECS has is a warning', () => {
    expect(findings(`${head}hooks:\n  AfterAllowTestTraffic:\n    - location: a\n`)).toEqual([
      'event-other-platform@4',
    ]);
  });
  test('a timeout, or the sum of those of an event, over what an event may last is a warning', () => {
    const hooks = (...timeouts: number[]) =>
      `${head}hooks:\n  AfterInstall:\n${timeouts.map((timeout) => `    - {location: a, timeout: ${timeout}}\n`).join('')}`;
    expect(findings(hooks(3600))).toEqual([]);
    expect(findings(hooks(3601))).toEqual(['timeout-over-limit@5']);
    expect(findings(hooks(1800, 1800))).toEqual([]);
    expect(findings(hooks(1800, 1801))).toEqual(['timeouts-over-limit@4']);
  });
  test('a text that YAML takes for something else is read as it stands, with a warning', () => {
    const result = parseAppSpec(`${head}hooks:\n  AfterInstall:\n    - {location: 1e0, runas: yes}\n`, options);
    expect(result.ok && result.appSpec.hooks.get('AfterInstall')).toMatchObject([{ location: '1e0', runas: 'yes' }]);
    expect(result.findings.map(({ rule }) => rule)).toEqual(['text-unquoted', 'text-unquoted']);
  });
  test('runas of blanks is as if it were not there; so is an event without a value, and one with an empty list runs nothing', () => {
    const { hooks } = parsed(
      `${head}hooks:\n  BeforeInstall:\n  AfterInstall: []\n  ApplicationStart:\n    - {location: " a ", runas: "  "}\n`,
    );
    expect([...hooks.keys()]).toEqual(['AfterInstall', 'ApplicationStart']);
    expect(hooks.get('ApplicationStart')).toMatchObject([{ location: 'a', runas: null }]);
  });
  test.each(['0', '-1', '1.5', '"abc"', '""', '[5]', 'true'])('timeout %s is refused', (timeout) => {
    expect(findings(`${head}hooks:\n  AfterInstall:\n    - location: a\n      timeout: ${timeout}\n`)).toEqual([
      'timeout-invalid@6',
    ]);
  });
  test.each(['disallow', 'Overwrite', '""', 'KEEP', '[RETAIN]'])('file_exists_behavior %s is refused', (value) => {
    expect(findings(`${head}file_exists_behavior: ${value}\n`)).toEqual(['file-exists-behavior-unknown@3']);
  });
  test('sudo as text is refused: "false" would be true', () => {
    expect(findings(`${head}hooks:\n  AfterInstall:\n    - location: a\n      sudo: "false"\n`)).toEqual([
      'sudo-not-boolean@6',
    ]);
  });
  test('a script outside the revision is refused', () => {
    expect(findings(`${head}hooks:\n  AfterInstall:\n    - location: ../../bin/sh\n`)).toEqual(['location-escapes@5']);
  });
});

describe('a file that names neither files nor scripts', () => {
  const nothing = 'nothing-to-do@-';
  test.each(['', 'files:\n', 'files: []\n', 'hooks:\n', 'hooks: {}\n', 'files: []\nhooks: {}\npermissions: []\n'])(
    'is a warning, as with %j',
    (rest) => {
      expect(findings(head + rest)).toEqual([nothing]);
      expect(parseAppSpec(head + rest, options).ok).toBe(true);
    },
  );
  test('is a warning also with permissions, which apply to what is installed', () => {
    expect(findings(`${head}permissions:\n  - object: /a\n    mode: "644"\n`)).toEqual([nothing]);
  });
  test.each([
    'files:\n  - source: a\n    destination: /b\n',
    'hooks:\n  AfterInstall:\n    - location: a.sh\n',
    'fles:\n  - source: a\n    destination: /b\n',
    'files: 1\n',
  ])('is not said of %j, which has some, or a fault that hides them', (rest) => {
    expect(findings(head + rest)).not.toContain(nothing);
  });
});

describe('permissions', () => {
  const mode = (text: string) => parseAppSpec(`${head}permissions:\n  - object: /a\n    mode: ${text}\n`, options);

  test.each([
    ['"0644"', '0644'],
    ['0644', '0644'],
    ['644', '644'],
    ['"4755"', '4755'],
    ['7', '007'],
    ['0', '000'],
  ])('mode %s is applied as %s', (text, expected) => {
    const result = mode(text);
    expect(result.ok && result.appSpec.permissions[0]?.mode).toBe(expected);
  });
  test('an unquoted mode with a leading zero is a warning', () => {
    const { findings: found } = mode('0644');
    expect(found).toContainEqual(expect.objectContaining({ severity: 'warning', rule: 'mode-unquoted' }));
  });
  test.each(['"07555"', '"648"', '"rwx"', '[7]'])('mode %s is refused', (text) => {
    expect(mode(text).ok).toBe(false);
  });
  test('a bare type, an SELinux context and ACLs are read', () => {
    const [permission] = parsed(`${head}permissions:
  - object: /a
    type: directory
    except: b
    owner: web
    acls: ["u:bob:rw", "m::7"]
    context: { name: staff_u, type: httpd_sys_content_t, range: "s0-s1:c3,c1.c2" }
`).permissions;
    expect(permission).toMatchObject({
      types: ['directory'],
      except: ['b'],
      owner: 'web',
      acls: ['user:bob:rw-', 'mask::rwx'],
      context: { user: 'staff_u', type: 'httpd_sys_content_t', range: 's0-s1:c1.c3' },
    });
  });
  test('two ACL entries for the same user: the last one counts, with a warning', () => {
    const text = `${head}permissions:\n  - object: /a\n    acls: ["u:bob:r", "bob:rw"]\n`;
    expect(parsed(text).permissions[0]?.acls).toEqual(['user:bob:rw-']);
    expect(findings(text)).toContain('acl-duplicate@5');
  });
  test('a key of a permission or a context that nobody reads is a warning', () => {
    expect(findings(`${head}permissions:\n  - object: /a\n    onwer: web\n    context: {type: t, role: r}\n`)).toEqual([
      'unknown-key@5',
      'unknown-key@6',
    ]);
  });
  test('every wrong entry is named', () => {
    const text = `${head}permissions:\n  - mode: "644"\n  - object: /a\n    type: [link]\n  - object: /b\n    acls: ["x:y:z:w"]\n  - object: /c\n    context: { range: s1-s0 }\n`;
    expect(findings(text)).toEqual([
      'object-missing@4',
      'type-unknown@6',
      'acl-invalid@8',
      'context-without-type@10',
      'range-invalid@10',
    ]);
  });
});

describe('any text', () => {
  test('is read without throwing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string().map((text) => head + text),
        ),
        (text) => {
          const result = parseAppSpec(text, options);
          renderFindings(result.findings, text, 'appspec.yml');
          expect(result.ok || result.findings.some((finding) => finding.severity === 'error')).toBe(true);
        },
      ),
    );
  });

  test('any text that says what an AppSpec says is read as that AppSpec', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9._-]{0,12}$/);
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const hook = fc.record({
      location: path,
      timeout: fc.integer({ min: 1, max: 3600 }),
      runas: fc.option(
        fc.stringMatching(/^[a-z]{3,8}$/).filter((user) => !['yes', 'off', 'true', 'false', 'null'].includes(user)),
        { nil: undefined },
      ),
      sudo: fc.boolean(),
    });
    const file = fc.record({ source: path, destination: path.map((text) => `/${text}`) });
    const events = fc.uniqueArray(
      fc.constantFrom('BeforeInstall', 'AfterInstall', 'ApplicationStart', 'ValidateService'),
    );
    fc.assert(
      fc.property(fc.array(file), events, fc.array(hook, { minLength: 1 }), (files, names, hooks) => {
        const text = stringify({
          version: 0.0,
          os: 'linux',
          files,
          hooks: Object.fromEntries(names.map((event) => [event, hooks])),
        });
        const appSpec = parsed(text);
        expect(appSpec.files).toEqual(files);
        expect([...appSpec.hooks.keys()]).toEqual(names);
        for (const read of appSpec.hooks.values()) {
          expect(read).toEqual(
            hooks.map(({ location, timeout, runas, sudo }) => ({
              location,
              timeoutSeconds: timeout,
              runas: runas ?? null,
              sudo,
            })),
          );
        }
      }),
    );
  });
});

test('a finding is shown with its line and a mark below it', () => {
  const text = 'version: 0.0\nos: plan9\n';
  const { findings: found } = parseAppSpec(text, options);
  expect(renderFindings(found, text, 'appspec.yml')).toEqual([
    "appspec.yml:2:5: error: the os must be linux or windows, but is the text 'plan9' [os-unsupported]",
    '  2 | os: plan9',
    '    |     ^',
  ]);
});
