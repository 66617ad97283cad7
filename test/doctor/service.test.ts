import { describe, expect, test } from 'vitest';
import { judgeService } from '../../src/cli/doctor/service.ts';
import {
  argumentsOf,
  configFileOf,
  credentialFilesOf,
  environmentFilesOf,
  wordsOf,
} from '../../src/cli/doctor/service-environment.ts';
import { parseEnvironmentText } from '../../src/cli/service/environment-text.ts';
import { parseProperties } from '../../src/cli/service/properties.ts';

const judge = (properties: Record<string, string>, ageMs: number | null = null) =>
  judgeService({
    name: 'slipway-agent',
    properties: { LoadState: 'loaded', ...properties },
    ageMs,
    lastWords: '',
    install: 'slipway agent install',
  });

describe('The doctor judges a service', () => {
  test('a service that runs: in order, also when it was restarted long ago', () => {
    const properties = { ActiveState: 'active', SubState: 'running', NRestarts: '9', MainPID: '7' };
    expect(judge(properties, 3_600_000)).toEqual([expect.objectContaining({ status: 'ok' })]);
  });

  test.each([
    ['waits for its next start', { ActiveState: 'activating', SubState: 'auto-restart', NRestarts: '1' }, null],
    ['waits for it on a newer systemd', { ActiveState: 'activating', SubState: 'auto-restart-queued' }, null],
    ['was just started for the fourth time', { ActiveState: 'activating', SubState: 'start', NRestarts: '4' }, 900],
  ])('a service that %s: ends again and again', (_, properties, ageMs) => {
    const [finding] = judge({ Result: 'exit-code', ExecMainStatus: '1', ...properties }, ageMs);
    expect(finding).toMatchObject({ status: 'fail', detail: expect.stringContaining('again and again') });
  });

  test.each([
    ['no program', { Result: 'exit-code', ExecMainStatus: '203' }, 'slipway agent install'],
    ['no user', { Result: 'exit-code', ExecMainStatus: '217' }, 'User='],
    ['no working folder', { Result: 'exit-code', ExecMainStatus: '200' }, 'WorkingDirectory='],
    ['no memory', { Result: 'oom-kill', ExecMainStatus: '9' }, 'lack of memory'],
    ['a fault of its own', { Result: 'exit-code', ExecMainStatus: '2' }, 'journalctl -u slipway-agent'],
  ])('a service that has ended for %s: the remedy fits that cause', (_, properties, remedy) => {
    const [finding] = judge({ ActiveState: 'failed', SubState: 'failed', ...properties });
    expect(finding).toMatchObject({ status: 'fail', remedy: expect.stringContaining(remedy) });
  });

  test('a service that is masked: says how to unmask it; and one that is disabled: a warning', () => {
    expect(judge({ LoadState: 'masked' })[0]?.remedy).toContain('systemctl unmask');
    const disabled = { ActiveState: 'active', SubState: 'running', UnitFileState: 'disabled' };
    expect(judge(disabled, 1_000)[1]).toMatchObject({ status: 'warn', remedy: expect.stringContaining('enable') });
  });
});

describe('What systemd shows of a service', () => {
  test('is read line by line, and lines that come twice are all kept', () => {
    expect(
      parseProperties('User=\nEnvironmentFiles=/a (ignore_errors=no)\nEnvironmentFiles=/b c (ignore_errors=yes)\n'),
    ).toEqual({
      User: '',
      EnvironmentFiles: '/a (ignore_errors=no)\n/b c (ignore_errors=yes)',
    });
  });

  test('gives its files of variables with whether they may be absent', () => {
    expect(environmentFilesOf('/a (ignore_errors=no)\n/b c (ignore_errors=yes)')).toEqual([
      { path: '/a', mayBeAbsent: false },
      { path: '/b c', mayBeAbsent: true },
    ]);
  });

  test('gives its variables without the quotes', () => {
    expect(wordsOf(`A=1 "B=two words" 'C=x' $'D=it\\'s'`)).toEqual(['A=1', 'B=two words', 'C=x', "D=it's"]);
  });

  test.each([
    ['two words', 'agent --config-file /etc/a.yml', '/etc/a.yml'],
    ['one word', 'agent --config-file=/etc/a.yml', '/etc/a.yml'],
    ['the spelling of the official agent', 'agent --config_file /etc/a.yml', '/etc/a.yml'],
    ['a path with a blank', 'agent --config-file /etc/my conf/a.yml', '/etc/my conf/a.yml'],
    ['no configuration', 'agent', null],
  ])('gives the configuration that its command names in %s', (_, command, file) => {
    const shown = `{ path=/usr/bin/node ; argv[]=/usr/bin/node /x ${command} ; ignore_errors=no ; start_time=[n/a] }`;
    expect(configFileOf(argumentsOf(shown))).toBe(file);
  });
});

describe('A file of variables is read as systemd reads it:', () => {
  test.each([
    ['comments and lines without = do not count', 'A=1\n# B=2\n;C=3\nno', ['A=1']],
    ['blanks around a value do not count', ' A = 1 2 \t\nB=', ['A=1 2', 'B=']],
    ['quotes keep blanks, and may stand one after the other', `A=" 1 "\nB='2'"3"`, ['A= 1 ', 'B=23']],
    ['a quote within a bare word is an ordinary character', `A=it's"so`, [`A=it's"so`]],
    ['a backslash keeps what follows, and joins lines', 'A=1\\\n2\\ \nB=\\"x', ['A=12 ', 'B="x']],
    ['between double quotes a backslash counts before few characters', 'A="\\$\\n\\""', ['A=$\\n"']],
    ['a value between quotes may have lines', 'A="1\n2"\nB=3', ['A=1\n2', 'B=3']],
  ])('%s', (_, text, assignments) => {
    expect(parseEnvironmentText(text)).toEqual({ assignments, ignored: [] });
  });

  test('a name that is none is told', () => {
    expect(parseEnvironmentText('export A=1\nB=2\n')).toEqual({ assignments: ['B=2'], ignored: ['export A'] });
  });
});

describe('The doctor finds the files that systemd hands over', () => {
  test('in a unit with its additions: of two with one name the later one counts', () => {
    const unit = [
      '# /lib/systemd/system/slipway-server.service\n[Service]',
      'LoadCredential=tls.key:/etc/slipway/tls/server.key\nSetCredential=tls.key:absent',
      '#LoadCredential=tls.pem:/not/this',
      '# /etc/systemd/system/slipway-server.service.d/tls.conf\n[Service]',
      'LoadCredential=tls.key:/etc/keys/100%%/a b.pem\nLoadCredential=inherited',
    ].join('\n');
    expect(credentialFilesOf(unit)).toEqual(['/etc/keys/100%/a b.pem']);
  });
});
