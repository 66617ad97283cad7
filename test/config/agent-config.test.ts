import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadAgentConfig } from '../../src/config/agent-config.ts';
import { AGENT_CONFIG_KEYS } from '../../src/config/agent-keys.ts';
import { signatureRulesFor } from '../../src/config/group-settings.ts';
import { loadOnPremises } from '../../src/config/on-premises.ts';
import { scratchFolder } from '../support/scratch.ts';

function load(text: string) {
  using scratch = scratchFolder();
  writeFileSync(scratch.at('agent.yml'), text);
  return loadAgentConfig(scratch.at('agent.yml'));
}

describe('the agent’s configuration', () => {
  test('reads the official agent’s spelling, the plain one, and both mixed', () => {
    const { config, warnings } = load(
      '---\n:root_dir: /a\nlog_dir: /b\n:max_revisions: 7\n:verbose: true\n:proxy_uri:\n',
    );
    expect(config).toMatchObject({ rootDir: '/a', logDir: '/b', maxRevisions: 7, verbose: true, proxyUri: null });
    expect(warnings).toEqual([]);
  });

  test('has every default when the file says nothing', () => {
    expect(load('').config).toMatchObject({
      programName: 'codedeploy-agent',
      rootDir: '/opt/codedeploy-agent/deployment-root',
      maxRevisions: 5,
      httpReadTimeoutSeconds: 80,
      maxStopWaitSeconds: 7200,
      stripLoaderVariables: true,
    });
  });

  test.each([
    ['', false],
    ['reject_symlinks_in_bundle: true', true],
    [':reject_symlinks_in_bundle: false', false],
    ['reject_symlinks_in_bundle: escaping', 'escaping'],
  ])('takes which links a bundle may hold, as the official agent does or more exactly: %j', (line, expected) => {
    expect(load(`${line}\n`).config.rejectSymlinks).toBe(expected);
  });

  test.each(['on-purpose', '1', '[true]'])('takes no other word for which links a bundle may hold: %s', (word) => {
    expect(() => load(`reject_symlinks_in_bundle: ${word}\n`)).toThrow('must be false, escaping or true');
  });

  test('names all that is wrong at once, each with its line', () => {
    expect(() => load('root_dir: relative\nlog_dir: /b\nmax_revisions: none\n')).toThrow(
      /agent\.yml:1: root_dir must be an absolute path.*; .*agent\.yml:3: max_revisions must be a whole number/,
    );
  });

  test('reads a list of paths, and one path as a list of one', () => {
    expect(load('protect_paths:\n  - /srv/app/conf\n  - /srv/**/*.db\n').config.protectPaths).toEqual([
      '/srv/app/conf',
      '/srv/**/*.db',
    ]);
    expect(load(':protect_paths: /srv/app/conf\n').config.protectPaths).toEqual(['/srv/app/conf']);
    expect(load('').config.protectPaths).toEqual([]);
  });

  test('says what counts for a deployment group: by its id, else by its names, else for all', () => {
    const { config } = load(`
:bundle_signature_policy: warn
:bundle_signers_file: /etc/signers
:deployment_groups:
  shop/production: { bundle_signature_policy: enforce }
  "1f2e": { ":bundle_signature_policy": off, bundle_signers_file: /etc/other }
`);
    const rules = (deploymentGroupId: string, applicationName: string) =>
      signatureRulesFor(config.bundleSignatures, config.deploymentGroups, {
        deploymentGroupId,
        applicationName,
        deploymentGroupName: 'production',
      });
    expect(rules('any', 'shop')).toEqual({ policy: 'enforce', signersFile: '/etc/signers' });
    expect(rules('1f2e', 'shop')).toEqual({ policy: 'off', signersFile: '/etc/other' });
    expect(rules('any', 'bank')).toEqual({ policy: 'warn', signersFile: '/etc/signers' });
    expect(load('').config.bundleSignatures).toEqual({ policy: 'off', signersFile: null });
  });

  test.each([
    ['bundle_signature_policy: enforce', 'bundle_signature_policy is enforce, but no bundle_signers_file'],
    [
      'deployment_groups: { a/b: { bundle_signature_policy: warn } }',
      'bundle_signature_policy of the group a/b is warn, but no bundle_signers_file',
    ],
  ])('%s ends the start when nobody could sign', (line, problem) => {
    expect(() => load(`${line}\n`)).toThrow(problem);
  });

  test.each([
    ['bundle_signature_policy: strict', 'off, warn or enforce'],
    ['deployment_groups: [a/b]', 'a map from a deployment group’s id'],
    ['deployment_groups: { a/b: enforce }', 'a map from a deployment group’s id'],
    ['deployment_groups: { a/b: { log_dir: /x } }', 'a map from a deployment group’s id'],
    [
      'deployment_groups: { a/b: { bundle_signers_file: x } }',
      'such that bundle_signers_file of a/b is an absolute path',
    ],
    ['protect_paths: [relative]', 'a list of absolute paths'],
    ['max_revisions: 0', 'a whole number from 1 on'],
    ['max_revisions: many', 'a whole number from 1 on'],
    ['verbose: "yes"', 'true or false'],
    ['root_dir: relative', 'an absolute path'],
    ['program_name: ../evil', 'a name of letters'],
    ['archive_max_extraction_size: 5 parsecs', 'a size such as'],
    ['deploy_control_endpoint: ftp://x', 'an http:// or https:// address'],
    ['root_dir: [a]', 'an absolute path'],
  ])('%s: names file, line, key and what was expected', (line, expected) => {
    expect(() => load(`# first\n${line}\n`)).toThrow(
      new RegExp(`agent\\.yml:2: ${line.split(':')[0]} must be ${expected}`),
    );
  });

  test.each([
    ['10GiB', 10 * 2 ** 30],
    ['500MB', 500e6],
    ['1024', 1024],
  ])('a size of %s is %d bytes', (text, bytes) => {
    expect(load(`archive_max_extraction_size: ${text}`).config.archiveMaxExtractionBytes).toBe(bytes);
  });

  test('names keys that are not known, or have no effect, once each, and caps the stop time', () => {
    const { warnings, config } = load('colour: blue\nchildren: 1\nkill_agent_max_wait_time_seconds: 999999\n');
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toContain("'colour' is not known");
    expect(warnings[1]).toContain("'children' has no effect");
    expect(config.maxStopWaitSeconds).toBe(86_400);
  });

  test('caps a time that no timer can hold, which would otherwise be none at all', () => {
    const { warnings, config } = load('wait_between_runs: 99999999999\nhttp_read_timeout: 80\n');
    expect(config).toMatchObject({ waitBetweenRunsSeconds: 2_147_483, httpReadTimeoutSeconds: 80 });
    expect(warnings).toEqual([expect.stringContaining('wait_between_runs is 99999999999; 2147483 is used')]);
  });

  test('keys of the official agents that have nothing to do here are named once, each with what holds instead', () => {
    const { warnings } = load('enable_command_port: true\nreject_path_traversal_in_bundle: false\nchildren: 1\n');
    expect(warnings.map((warning) => warning.replace(/^.*agent\.yml:\d+: /, ''))).toEqual([
      "the key 'enable_command_port' has no effect in this agent and is ignored: no TCP port is opened",
      "the key 'reject_path_traversal_in_bundle' has no effect in this agent and is ignored: paths that lead out are always refused",
      "the key 'children' has no effect in this agent and is ignored",
    ]);
  });

  test('an operator who gave up root by user and group is told that scripts run as root now, and what to do', () => {
    const { warnings } = load(':user: deploy\n:group: deploy\n');
    expect(warnings).toEqual([
      expect.stringMatching(
        /'user' has no effect .*: agent and scripts run as whoever starts the agent; set User= in its unit$/,
      ),
      expect.stringMatching(/'group' has no effect .*; set Group= in its unit$/),
    ]);
  });

  test('the agent’s configuration that is missing or no YAML is an error only where it was asked for', () => {
    expect(() => loadAgentConfig('/nonexistent/agent.yml')).toThrow('/nonexistent/agent.yml does not exist');
    expect(() => load('a: [')).toThrow(/agent\.yml:\d+: it is not YAML: [^\n]*[^:\n]$/);
    expect(() => load('- a')).toThrow('keys and values');
  });

  test('no key is in the table twice, and each says what it does', () => {
    const names = AGENT_CONFIG_KEYS.map(({ key }) => key);
    expect(new Set(names).size).toBe(names.length);
    for (const { meaning } of AGENT_CONFIG_KEYS) expect(meaning.length).toBeGreaterThan(10);
  });
});

describe('the on-premises file', () => {
  const read = (text: string, mode = 0o600) => {
    using scratch = scratchFolder();
    writeFileSync(scratch.at('file.yml'), text);
    chmodSync(scratch.at('file.yml'), mode);
    return loadOnPremises(scratch.at('file.yml'));
  };
  const user = 'region: us-east-1\niam_user_arn: arn:x\naws_access_key_id: AKIA\naws_secret_access_key: s\n';

  test('names a user, with the official agent’s spelling too', () => {
    expect(read(user).identity).toEqual({
      kind: 'user',
      arn: 'arn:x',
      region: 'us-east-1',
      accessKeyId: 'AKIA',
      secretAccessKey: 's',
    });
    expect(read(user.replace(/^/gm, ':').replace(/^:$/gm, '')).identity).toMatchObject({ kind: 'user' });
  });
  test('names a session', () => {
    expect(read('region: r\niam_session_arn: arn:s\naws_credentials_file: /c\n').identity).toMatchObject({
      kind: 'session',
      credentialsFile: '/c',
    });
  });
  test.each([
    ['region: r\niam_user_arn: a\niam_session_arn: b\n', 'both'],
    ['iam_user_arn: a\naws_access_key_id: k\naws_secret_access_key: s\n', 'region is missing beside iam_user_arn'],
    ['region: r\niam_user_arn: a\naws_access_key_id: k\n', 'aws_secret_access_key is missing'],
    ['region: r\niam_session_arn: a\n', 'aws_credentials_file is missing'],
  ])('%j is refused', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
  test('the on-premises file that other users can read gets a warning', () => {
    expect(read(user, 0o644).warnings[0]).toContain('chmod 600');
    expect(loadOnPremises('/nonexistent')).toEqual({ identity: null, warnings: [] });
  });
});
