/** With what environment, configuration and user the agent of this machine works: its service's, and not those of whoever asks. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemErrorCode } from '../../errors.ts';
import { type Properties, showService } from '../service/properties.ts';
import { type Finding, fail } from './check.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Surroundings {
  /** As systemd shows the service; null: the agent is no service here, or the service runs with another configuration. */
  readonly service: Properties | null;
  /** The configuration that the service runs with, whichever is asked about; null: there is no service, or it names none. */
  readonly serviceConfigFile: string | null;
  readonly env: Environment;
  /** Whose environment that is. */
  readonly envOf: 'service' | 'process' | 'caller';
  /** The user that the service runs as; null: there is no service, and whoever asks stands for it. */
  readonly user: string | null;
  readonly findings: readonly Finding[];
}

export const AGENT_SERVICE = 'slipway-agent';
/** What systemd starts services with. */
const SYSTEMD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** @param wanted the configuration that was asked about, absolute; null: that of the service */
export async function findSurroundings(wanted: string | null, callerEnv: Environment): Promise<Surroundings> {
  const none = { service: null, env: callerEnv, envOf: 'caller', user: null, findings: [] } as const;
  const service = await showService(AGENT_SERVICE);
  const isThere = service['LoadState'] !== undefined && service['LoadState'] !== 'not-found';
  if (!isThere) return { ...none, serviceConfigFile: null };
  const pid = Number(service['MainPID'] ?? 0);
  const serviceConfigFile = configFileOf(commandOf(pid) ?? argumentsOf(service['ExecStart'] ?? ''));
  if (wanted !== null && serviceConfigFile !== null && resolve(wanted) !== resolve(serviceConfigFile)) {
    return { ...none, serviceConfigFile };
  }
  const user = service['User'] || 'root';
  const running = pid > 0 ? environmentOf(pid) : null;
  if (running !== null) {
    return { service, serviceConfigFile, env: running, envOf: 'service', user, findings: [] };
  }
  const { env, findings } = environmentToCome(service);
  return { service, serviceConfigFile, env, envOf: 'service', user, findings };
}

/** The environment that a process was started with; null: it is gone, or somebody else's. */
export function environmentOf(pid: number): Environment | null {
  try {
    return toEnvironment(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'));
  } catch {
    return null;
  }
}

/** What the next start of the service gets. */
function environmentToCome(service: Properties): { readonly env: Environment; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const fromFiles = environmentFilesOf(service['EnvironmentFiles'] ?? '').flatMap(({ path, mayBeAbsent }) => {
    try {
      return readFileSync(path, 'utf8').split('\n').flatMap(assignmentIn);
    } catch (error) {
      const isAbsent = systemErrorCode(error) === 'ENOENT';
      if (isAbsent && mayBeAbsent) return [];
      const remedy = isAbsent
        ? `Write ${path}, or take EnvironmentFile= out of the unit: without it the service does not start.`
        : `Ask as root: only root can read ${path}.`;
      const detail = isAbsent ? `EnvironmentFile ${path} does not exist` : `EnvironmentFile ${path} cannot be read`;
      findings.push(isAbsent ? fail('service', detail, remedy) : { check: 'service', status: 'warn', detail, remedy });
      return [];
    }
  });
  const env = { PATH: SYSTEMD_PATH, ...toEnvironment([...wordsOf(service['Environment'] ?? ''), ...fromFiles]) };
  return { env, findings };
}

/** `path (ignore_errors=yes)`, one a line. Pure. */
export function environmentFilesOf(text: string): { readonly path: string; readonly mayBeAbsent: boolean }[] {
  return text.split('\n').flatMap((line) => {
    const [, path, ignores] = /^(.+) \(ignore_errors=(yes|no)\)$/.exec(line.trim()) ?? [];
    return path === undefined ? [] : [{ path, mayBeAbsent: ignores === 'yes' }];
  });
}

/** Words as `systemctl show` quotes them. Pure. */
export function wordsOf(text: string): string[] {
  const words = text.match(/\$?'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?:[^\s"'\\]|\\.)+/gs) ?? [];
  return words.map((word) => word.replace(/^\$?(['"])(.*)\1$/s, '$2').replace(/\\(.)/gs, '$1'));
}

/** The value of a line `NAME=value` of an EnvironmentFile, as one word `NAME=value`; none for comments. Pure. */
export function assignmentIn(line: string): string[] {
  const [, name, value = ''] = /^\s*([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
  if (name === undefined) return [];
  return [`${name}=${value.trim().replace(/^(['"])(.*)\1$/, '$2')}`];
}

/** The configuration that a command line of the agent names. Pure. */
export function configFileOf(words: readonly string[]): string | null {
  const at = words.findIndex((word) => /^--config[-_]file(=|$)/.test(word));
  const word = words[at];
  if (word === undefined) return null;
  return word.includes('=') ? word.slice(word.indexOf('=') + 1) : (words[at + 1] ?? null);
}

/** Of ExecStart as systemd shows it, where words stand without their quotes: the last one is the configuration and may hold blanks. Pure. */
export function argumentsOf(execStart: string): string[] {
  const [, ...afterArgv] = execStart.split('argv[]=');
  const [words = '', ...rest] = afterArgv.join('argv[]=').split(' ; ignore_errors=');
  const text = rest.length === 0 ? '' : words;
  const at = text.search(/ --config[-_]file[ =]/);
  return at < 0 ? text.split(' ') : [text.slice(0, at), text.slice(at + 1).replace(/[ =]/, '=')];
}

function commandOf(pid: number): string[] | null {
  try {
    if (pid < 1 || !statSync(`/proc/${pid}`).isDirectory()) return null;
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return configFileOf(words) === null ? null : words;
  } catch {
    return null;
  }
}

function toEnvironment(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.flatMap((word) => {
      const equals = word.indexOf('=');
      return equals < 1 ? [] : [[word.slice(0, equals), word.slice(equals + 1)]];
    }),
  );
}
