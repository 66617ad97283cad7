import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { PROJECT } from '../rules/docs.ts';
import { capturedContext } from '../support/cli-context.ts';
import { elfProgram } from '../support/elf.ts';
import { testWith } from '../support/needs.ts';
import { type ScratchFolder, scratchFolder } from '../support/scratch.ts';
import { runSlipway } from '../support/slipway.ts';

const HEAD = 'version: 0.0\nos: linux\n';

/** A bundle: name → content; what lies in `scripts` is executable unless its name ends so. */
function bundle(scratch: ScratchFolder, appSpec: string, files: Readonly<Record<string, string>> = {}): string {
  for (const [name, content] of Object.entries({ 'appspec.yml': `${HEAD}${appSpec}`, ...files })) {
    const path = scratch.at('bundle', name);
    mkdirSync(dirname(path), { recursive: true });
    if (content.startsWith('->')) symlinkSync(content.slice(2), path);
    else writeFileSync(path, content, { mode: name.startsWith('scripts/') ? 0o755 : 0o644 });
  }
  return scratch.at('bundle');
}

async function validate(...args: string[]) {
  const ctx = capturedContext({ env: { PATH: process.env['PATH'] } });
  const status = await runCli(['validate', ...args], ctx);
  return { status, printed: ctx.printed(), complained: ctx.complained() };
}

/** `severity rule@line:column` of every finding. */
async function findings(...args: string[]): Promise<string[]> {
  const { printed } = await validate('--json', ...args);
  const report = JSON.parse(printed) as {
    findings: { severity: string; rule: string; position: { line: number; column: number } | null }[];
  };
  return report.findings.map(
    ({ severity, rule, position }) => `${severity} ${rule}@${position?.line}:${position?.column}`,
  );
}

const script = (location: string) => `hooks:\n  AfterInstall:\n    - location: ${location}\n`;

describe('slipway validate looks at every script', () => {
  test('one that is not there is an error at its place', async () => {
    using scratch = scratchFolder();
    expect(await findings(bundle(scratch, script('scripts/gone.sh')))).toEqual(['error script-missing@5:17']);
  });

  test('a folder is no script', async () => {
    using scratch = scratchFolder();
    expect(await findings(bundle(scratch, script('scripts'), { 'scripts/a': '' }))).toEqual([
      'error script-missing@5:17',
    ]);
  });

  test('a link that leads out of the bundle is an error', async () => {
    using scratch = scratchFolder();
    expect(await findings(bundle(scratch, script('a.sh'), { 'a.sh': '->/bin/true' }))).toEqual([
      'error script-outside@5:17',
    ]);
  });

  test('a first line that ends with CRLF is an error', async () => {
    using scratch = scratchFolder();
    expect(await findings(bundle(scratch, script('scripts/a'), { 'scripts/a': '#!/bin/sh\r\ntrue\r\n' }))).toEqual([
      'error script-crlf@5:17',
    ]);
  });

  test('one that is not executable, or has no #! line, is a warning', async () => {
    using scratch = scratchFolder();
    const folder = bundle(scratch, script('scripts/a'), { 'scripts/a': 'true\n' });
    chmodSync(join(folder, 'scripts/a'), 0o644);
    expect(await findings(folder)).toEqual(['warning script-not-executable@5:17', 'warning shebang-missing@5:17']);
    expect((await validate(folder)).status).toBe(0);
  });

  test.each([
    ['#!/opt/nowhere/python9\n', ['warning interpreter-missing@5:17']],
    ['#!/usr/bin/env -S python99 -u\n', ['warning interpreter-missing@5:17']],
    ['#!/usr/bin/env sh\n', []],
    ['#!/usr/bin/env -S sh -e\n', []],
    ['#!/usr/bin/env -vS sh -e\n', []],
    ['#!/usr/bin/env bash -e\n', ['error shebang-arguments@5:17']],
    ['#!/bin/env sh -eu\ntrue\n', ['error shebang-arguments@5:17']],
    ['#! /usr/bin/env -i sh\n', ['error shebang-arguments@5:17']],
    ['#!/usr/bin/env PATH=/bin sh\n', ['error shebang-arguments@5:17']],
    ['#!/bin/sh\ntrue\r\n', ['warning script-crlf-inside@5:17']],
    ['#!/bin/sh\ntrue\ncd /srv\r', ['warning script-crlf-inside@5:17']],
    ['#!/usr/bin/env sh\nif true\r\n', ['warning script-crlf-inside@5:17']],
    [`#!/bin/sh\n${'# long\n'.repeat(1000)}true\r\n`, ['warning script-crlf-inside@5:17']],
    ['#!/usr/bin/perl\nprint 1;\r\n', expect.not.arrayContaining(['warning script-crlf-inside@5:17'])],
    ['\ufeff#!/bin/sh\ntrue\n', ['warning script-bom@5:17']],
    ['\ufeff#!/usr/bin/env bash\r\ntrue\n', ['warning script-bom@5:17', 'error script-crlf@5:17']],
    ['#! /bin/sh -eu\n', []],
    ['\x7fELF\0\0', []],
    ['MZ\0', ['warning script-no-program@5:17']],
    [elfProgram({ machine: 22, isBigEndian: true }), ['warning program-other-machine@5:17']],
  ])('a script whose beginning is %j is checked', async (beginning, expected) => {
    using scratch = scratchFolder();
    expect(await findings(bundle(scratch, script('scripts/a'), { 'scripts/a': beginning }))).toEqual(expected);
  });
});

test.each([
  ['install-dependencies.sh', 'scripts/install_dependencies.sh', "did you mean 'scripts/install_dependencies.sh'?"],
  [
    'scripts/install-dependencies.sh',
    'scripts/install_dependencies.sh',
    "did you mean 'scripts/install_dependencies.sh'?",
  ],
  ['Scripts/start.sh', 'scripts/start.sh', "did you mean 'scripts/start.sh'?"],
  ['scripts/start.bash', 'scripts/start.sh', "did you mean 'scripts/start.sh'?"],
  ['start.sh', 'scripts/start.sh', "did you mean 'scripts/start.sh'?"],
  ['scripts/sart.sh', 'scripts/start.sh', "did you mean 'scripts/start.sh'?"],
])('a script that is called %s and is %s is told with the name that is there', async (location, present, expected) => {
  using scratch = scratchFolder();
  const { printed } = await validate(bundle(scratch, script(location), { [present]: '#!/bin/sh\n' }));
  expect(printed).toContain(expected);
});

describe('slipway validate asks the install planner', () => {
  const file = (source: string, destination = '/srv/site') =>
    `files:\n  - source: ${source}\n    destination: ${destination}\n`;

  test('a source that is not in the bundle is an error', async () => {
    using scratch = scratchFolder();
    expect(await findings(bundle(scratch, file('gone')))).toEqual(['error source-missing@4:13']);
  });

  test('a source that climbs out of the bundle, or goes through a link, is an error; a link of its own is content', async () => {
    for (const [source, files, expected] of [
      ['../..', {}, ['error source-escapes@4:13']],
      ['a/b', { a: '->/etc' }, ['error source-escapes@4:13']],
      ['a/b', { a: '->real', 'real/b': '' }, ['error source-escapes@4:13']],
      ['a', { 'a/b': '->/etc', 'a/python': '->/usr/bin/python3', 'a/gone': '->../../gone' }, []],
      ['a', { a: '->/usr/bin/python3' }, []],
      ['a', { a: '->/etc' }, ['warning source-link@4:13']],
      ['a', { a: '->real', 'real/b': '' }, ['warning source-link@4:13', 'warning link-leads-nowhere@4:13']],
    ] as const) {
      using scratch = scratchFolder();
      expect(await findings(bundle(scratch, file(source), files)), source).toEqual(expected);
    }
  });

  test('a link that will not find on the host what it finds in the bundle is a warning', async () => {
    using scratch = scratchFolder();
    const files = {
      'app/shared': '->../shared',
      'app/own': '->lib',
      'app/lib/x': '',
      'shared/config': '',
      'app/up': '->..',
    };
    const folder = bundle(scratch, file('app'), files);
    expect(await findings(folder)).toEqual(['warning link-leads-nowhere@4:13']);
    expect((await validate(folder)).printed).toContain('the link app/shared leads to ../shared');
    using whole = scratchFolder();
    expect(await findings(bundle(whole, file('/'), files))).toEqual([]);
  });

  test.each([
    ['index.html', '/www/index.html', 'which makes it /www/index.html/index.html: write /www'],
    ['conf/app.conf', '/etc/app.conf', 'which makes it /etc/app.conf/app.conf: write /etc'],
    ['conf/app.conf', '/etc/other.conf', 'a file cannot be renamed, so call it other.conf in the bundle'],
    ['conf/app.conf', '/etc/app.yml', 'a file cannot be renamed'],
    ['bin/tool', '/usr/local/bin/tool', 'which makes it /usr/local/bin/tool/tool: write /usr/local/bin'],
  ])('the destination of the file %s written as %s is a warning', async (source, destination, expected) => {
    using scratch = scratchFolder();
    const folder = bundle(scratch, file(source, destination), { [source]: 'x' });
    expect(await findings(folder)).toEqual(['warning destination-is-file@5:18']);
    expect((await validate(folder)).printed).toContain(expected);
  });

  test.each([
    ['index.html', '/www'],
    ['conf/app.conf', '/etc/conf.d'],
    ['conf/app.conf', '/etc/app.conf/'],
    ['lib/tool.2', '/opt/app-1.2'],
    ['bin/tool', '/opt/tools'],
    ['site', '/srv/site'],
    ['site', '/srv/example.com'],
  ])('the destination of %s written as %s is a folder', async (source, destination) => {
    using scratch = scratchFolder();
    const files = source === 'site' ? { 'site/a': '' } : { [source]: 'x' };
    expect(await findings(bundle(scratch, file(source, destination), files))).toEqual([]);
  });

  test('two sources for one destination are an error that names both, and a thousand such files are told in few lines', async () => {
    using scratch = scratchFolder();
    const names = Array.from({ length: 1000 }, (_, index) => `f${index}`);
    const files = Object.fromEntries(['a', 'b'].flatMap((folder) => names.map((name) => [`${folder}/${name}`, ''])));
    const folder = bundle(scratch, `${file('a')}  - source: b\n    destination: /srv/site\n`, files);
    expect(new Set(await findings(folder))).toEqual(new Set(['error duplicate-destination@7:18']));
    const { printed } = await validate(folder);
    expect(printed).toContain('/srv/site/f0 would come from a/f0 and from b/f0');
    expect(printed).toContain('and 989 more like it');
  });

  test('an object with two permissions is an error; a permission that meets nothing is a warning', async () => {
    using scratch = scratchFolder();
    const twice = `${file('a')}permissions:\n  - object: /srv/site\n    mode: "640"\n  - object: /srv/site/x\n    mode: "600"\n`;
    expect(await findings(bundle(scratch, twice, { 'a/x': '' }))).toEqual(['error permission-duplicate@9:13']);
    using other = scratchFolder();
    const unused = `${file('a')}permissions:\n  - object: /srv/other\n    mode: "640"\n`;
    expect(await findings(bundle(other, unused, { 'a/x': '' }))).toEqual(['warning permission-unused@7:13']);
  });

  test('setuid is a warning, a type without confinement and a default ACL entry for files are errors', async () => {
    using scratch = scratchFolder();
    const permissions = `permissions:
  - object: /srv/site/x
    mode: "4755"
  - object: /srv/site/y
    context: {type: unconfined_t}
  - object: /srv/site/z
    acls: ["d:u:root:rw"]
`;
    expect(await findings(bundle(scratch, file('a') + permissions, { 'a/x': '', 'a/y': '', 'a/z': '' }))).toEqual([
      'warning permission-unsafe@8:11',
      'error context-unconfined@10:14',
      'error permission-acl@12:11',
    ]);
  });
});

test('users and groups that this host does not have are warnings, and errors with --host', async () => {
  using scratch = scratchFolder();
  const appSpec = `files:
  - {source: a, destination: /srv/site}
permissions:
  - object: /srv/site
    type: file
    owner: nobody-at-all
    group: no-such-group
    acls: ["u:nobody-at-all:r", "g:no-such-group:r", "u:root:r", "u:4711:r"]
hooks:
  AfterInstall:
    - location: scripts/a.sh
      runas: nobody-at-all
`;
  const folder = bundle(scratch, appSpec, { 'a/x': '', 'scripts/a.sh': '#!/bin/sh\n' });
  const expected = [
    'unknown-user@8:12',
    'unknown-group@9:12',
    'unknown-user@10:11',
    'unknown-group@10:11',
    'unknown-user@14:14',
  ];
  expect(await findings(folder)).toEqual(expected.map((finding) => `warning ${finding}`));
  expect(await findings(folder, '--host')).toEqual(expected.map((finding) => `error ${finding}`));
  expect((await validate(folder)).status).toBe(0);
  expect((await validate(folder, '--host')).status).toBe(1);
});

test('errors of the file, of the bundle and of the plan are shown together, in the order of the text', async () => {
  using scratch = scratchFolder();
  const appSpec = `files:
  - source: gone
    destination: /srv/site
hooks:
  AfterInstall:
    - location: scripts/gone.sh
      timeout: none
`;
  expect(await findings(bundle(scratch, appSpec))).toEqual([
    'error source-missing@4:13',
    'error script-missing@8:17',
    'error timeout-invalid@9:16',
  ]);
});

describe('slipway validate reads', () => {
  for (const [ending, program, flags] of [
    ['tar', 'tar', '-cf'],
    ['tar.gz', 'tar', '-czf'],
    ['zip', 'zip', '-qr'],
  ] as const)
    testWith(program)(`a bundle (${ending}) as it reads its folder, and leaves nothing behind`, async () => {
      using scratch = scratchFolder();
      const folder = bundle(scratch, script('scripts/a'), { 'scripts/a': '#!/bin/sh\r\n' });
      const file = scratch.at(`bundle.${ending}`);
      await execa(program, [flags, file, '.'], { cwd: folder });
      mkdirSync(scratch.at('tmp'));
      const { status, stdout } = await runSlipway(['validate', file], { TMPDIR: scratch.at('tmp') });
      expect(stdout).toContain(`bundle.${ending}/appspec.yml:5:17: error:`);
      expect(status).toBe(1);
      expect(readdirSync(scratch.at('tmp'))).toEqual([]);
    });

  test('no bundle that is none, and shows nobody its bytes', async () => {
    using scratch = scratchFolder();
    const bytes = Buffer.from(Array.from({ length: 3000 }, (_, n) => (n * 7919) % 251));
    writeFileSync(scratch.at('a.tgz'), bytes);
    writeFileSync(scratch.at('appspec.yml'), 'x'.repeat(3000));
    const called = await validate(scratch.at('a.tgz'));
    expect(called).toMatchObject({ status: 2, printed: '' });
    expect(called.complained).toContain('the bundle is no tar archive [ARCHIVE_CORRUPT]');
    const { status, printed } = await validate(scratch.at('appspec.yml'));
    expect(status).toBe(1);
    expect(printed).toMatch(/must be a mapping, but is the text 'x{60}…'/);
    expect(printed.length).toBeLessThan(500);
  });

  test('no bundle that climbs out: it is refused with its entry, and nothing is written', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('inner'));
    writeFileSync(scratch.at('slipped'), 'x');
    await execa('tar', ['-cPf', scratch.at('evil.tar'), '../slipped'], { cwd: scratch.at('inner') });
    mkdirSync(scratch.at('tmp'));
    const { status, stderr } = await runSlipway(['validate', scratch.at('evil.tar')], { TMPDIR: scratch.at('tmp') });
    expect(stderr).toContain('ARCHIVE_ENTRY_ESCAPES');
    expect(status).toBe(2);
    expect(readdirSync(scratch.at('tmp'))).toEqual([]);
    expect(existsSync(scratch.at('tmp/slipped'))).toBe(false);
  });

  test('an AppSpec file of another name, given itself or by --appspec-filename', async () => {
    using scratch = scratchFolder();
    const folder = bundle(scratch, '', { 'config/web.yml': `${HEAD}${script('scripts/gone')}` });
    expect(await findings(folder)).toEqual(['warning nothing-to-do@undefined:undefined']);
    expect(await findings(folder, '--appspec-filename', 'config/web.yml')).toEqual(['error script-missing@5:17']);
    expect(await findings(join(folder, 'config/web.yml'))).toEqual(['error script-missing@5:17']);
  });

  test('appspec.yaml where there is no appspec.yml', async () => {
    using scratch = scratchFolder();
    mkdirSync(scratch.at('bundle'));
    writeFileSync(scratch.at('bundle/appspec.yaml'), '{"version": 0.0, "os": "linux"}');
    const { status, printed } = await validate(scratch.at('bundle'));
    expect(printed).toContain('appspec.yaml is valid');
    expect(status).toBe(0);
  });

  test('nothing where there is no AppSpec file: exit status 2', async () => {
    using scratch = scratchFolder();
    const { status, complained } = await validate(scratch.path);
    expect(complained).toContain('looked for appspec.yml, appspec.yaml');
    expect(status).toBe(2);
  });
});

describe('findings are shown', () => {
  test('as text with the line, a mark and the rule, and control characters of the file do not reach the terminal', async () => {
    using scratch = scratchFolder();
    const folder = bundle(scratch, 'hooks:\n  AfterInstal:\n    - location: "gone\\e[31m"\n');
    const ctx = capturedContext({ workingDirectory: folder, env: { PATH: process.env['PATH'] } });
    expect(await runCli(['validate'], ctx)).toBe(1);
    expect(
      ctx.printed(),
    ).toBe(`appspec.yml:4:3: warning: 'AfterInstal' is no lifecycle event; its scripts will not run; did you mean 'AfterInstall'? [event-unknown]
  4 |   AfterInstal:
    |   ^
appspec.yml:5:17: error: AfterInstal: the script gone\\u001b[31m is not in the bundle [script-missing]
  5 |     - location: "gone\\e[31m"
    |                 ^
appspec.yml: 1 error, 1 warning
`);
  });

  test('for GitHub as workflow commands, with its special characters escaped', async () => {
    using scratch = scratchFolder();
    const folder = bundle(scratch, script('"100%, a\\nb"'));
    const ctx = capturedContext({ workingDirectory: dirname(folder), env: { PATH: process.env['PATH'] } });
    await runCli(['validate', 'bundle', '--format', 'github'], ctx);
    expect(ctx.printed()).toBe(
      '::error file=bundle/appspec.yml,line=5,col=17,title=script-missing::AfterInstall: the script 100%25, a%0Ab is not in the bundle\n',
    );
  });

  test('as SARIF 2.1.0: every result has a rule of the driver, a level and a place', async () => {
    using scratch = scratchFolder();
    const folder = bundle(scratch, 'hooks:\n  AfterInstal:\n    - location: gone\n');
    const ctx = capturedContext({ workingDirectory: dirname(folder), env: { PATH: process.env['PATH'] } });
    expect(await runCli(['validate', 'bundle', '--format', 'sarif'], ctx)).toBe(1);
    const log = JSON.parse(ctx.printed());
    expect(log).toMatchObject({
      version: '2.1.0',
      runs: [{ tool: { driver: { name: 'slipway validate' } }, columnKind: 'utf16CodeUnits' }],
    });
    const [{ tool, results }] = log.runs;
    expect(results).toMatchObject([
      { ruleId: 'event-unknown', level: 'warning' },
      { ruleId: 'script-missing', level: 'error' },
    ]);
    for (const { ruleId, ruleIndex, message, locations } of results) {
      expect(tool.driver.rules[ruleIndex].id).toBe(ruleId);
      expect(message.text).not.toBe('');
      const [{ physicalLocation }] = locations;
      expect(physicalLocation.artifactLocation.uri).toBe('bundle/appspec.yml');
      expect(physicalLocation.region.startLine).toBeGreaterThan(3);
    }
  });

  test('an unknown format is refused', async () => {
    expect((await validate('--format', 'xml')).status).toBe(2);
  });
});

test('slipway validate --schema prints the published schema', async () => {
  const { status, printed } = await validate('--schema');
  expect(status).toBe(0);
  expect(JSON.parse(printed)).toMatchObject({ required: ['version', 'os'] });
});

test('slipway validate reads a file for Lambda or ECS by that grammar, and says whose it was', async () => {
  using scratch = scratchFolder();
  const file = scratch.at('appspec.yaml');
  const properties = 'Name: shop, Alias: live, CurrentVersion: 1, TargetVersion: 2';
  writeFileSync(
    file,
    `version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties: {${properties}}\n`,
  );
  expect(await validate(file)).toMatchObject({
    status: 0,
    printed: expect.stringMatching(/appspec\.yaml is valid for Lambda\n$/),
  });
  const wrong = await validate(file, '--platform', 'ecs');
  expect(wrong).toMatchObject({ status: 1, printed: expect.stringContaining('that is one for Lambda') });
  expect(wrong.printed).toContain('appspec.yaml for ECS: 1 error\n');
  expect(JSON.parse((await validate(file, '--platform', 'server', '--json')).printed)).toMatchObject({
    platform: 'Server',
    findings: [{ rule: 'other-platform' }],
  });
  expect(JSON.parse((await validate('--schema', '--platform', 'lambda')).printed)).toMatchObject({
    title: 'AppSpec file of CodeDeploy for Lambda',
  });
});

test.each(['hello-site', 'web-app'])('the example %s has nothing that could be said against it', async (name) => {
  const { status, printed } = await validate(join(PROJECT, 'examples', name));
  expect(printed).toMatch(/appspec\.yml is valid\n$/);
  expect(status).toBe(0);
});
