/** A service as systemd shows it. */
import { execa } from 'execa';

/** Properties as `systemctl show` has them. */
export type Properties = Readonly<Record<string, string | undefined>>;

const WANTED = [
  ...['LoadState', 'ActiveState', 'SubState', 'Result', 'ExecMainStatus', 'MainPID', 'NRestarts', 'User'],
  ...[
    'UnitFileState',
    'NeedDaemonReload',
    'ExecStart',
    'Environment',
    'EnvironmentFiles',
    'MemoryMax',
    'ExecMainCode',
    'UnsetEnvironment',
    'LimitNOFILE',
  ],
];

/** Empty where there is no systemd. Keeps all lines that come twice, such as EnvironmentFiles. */
export async function showService(name: string): Promise<Properties> {
  const shown = await execa('systemctl', ['show', name, `--property=${WANTED.join(',')}`], {
    reject: false,
    stdin: 'ignore',
    timeout: 10_000,
  });
  return shown.failed ? {} : parseProperties(shown.stdout);
}

/** The text of a unit with all its additions: some of what it says `systemctl show` cannot print. Empty where there is no such unit. */
export async function unitText(name: string): Promise<string> {
  const shown = await execa('systemctl', ['cat', name], { reject: false, stdin: 'ignore', timeout: 10_000 });
  return shown.failed ? '' : shown.stdout;
}

/** Pure. */
export function parseProperties(text: string): Properties {
  const properties: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const equals = line.indexOf('=');
    if (equals < 1) continue;
    const [name, value] = [line.slice(0, equals), line.slice(equals + 1)];
    properties[name] = properties[name] === undefined ? value : `${properties[name]}\n${value}`;
  }
  return properties;
}

const JOURNAL_LINES = 5;

/**
 * Returns the last words of the service itself; where it said nothing, those of systemd about it.
 *
 * @param since seconds since the epoch; null: whenever that was
 */
export async function lastWords(name: string, since: number | null): Promise<string> {
  const range = [...(since === null ? [] : ['--since', `@${since}`]), '--lines', String(JOURNAL_LINES)];
  for (const whose of [[`_SYSTEMD_UNIT=${name}.service`], ['--unit', name]]) {
    const read = await execa('journalctl', ['--no-pager', '--quiet', '--output=cat', ...range, ...whose], {
      reject: false,
      stdin: 'ignore',
      timeout: 10_000,
    });
    if (!read.failed && read.stdout.trim() !== '') return read.stdout.trim();
  }
  return '';
}
