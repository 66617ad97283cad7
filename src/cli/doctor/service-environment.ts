/** A service of this machine: the environment, the command and the user that it runs with, or will run with at its next start. */
import { globSync, readFileSync } from 'node:fs';
import { systemErrorCode } from '../../errors.ts';
import { parseEnvironmentText } from '../service/environment-text.ts';
import { type Properties, showService } from '../service/properties.ts';
import { type Finding, fail, warn } from './check.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface FoundService {
  readonly properties: Properties;
  /** Environment of the running process; else of the next start. */
  readonly env: Environment;
  /** Environment of the next start, where it can be told apart from the running one. */
  readonly envToCome: Environment;
  /** argv, of the process that runs or of the next start. */
  readonly command: readonly string[];
  readonly user: string;
  /** Faults of its files of variables. */
  readonly findings: readonly Finding[];
}

/** Search path that systemd starts services with. */
const SYSTEMD_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** @returns null: there is no such service here */
export async function findService(name: string): Promise<FoundService | null> {
  const properties = await showService(name);
  if (properties['LoadState'] === undefined || properties['LoadState'] === 'not-found') return null;
  const pid = Number(properties['MainPID'] ?? 0);
  const runs = pid > 0 ? commandOf(pid) : null;
  // Of a process that has changed its title only the unit still tells.
  const command = runs?.some((word) => word.startsWith('--')) ? runs : argumentsOf(properties['ExecStart'] ?? '');
  const { env: envToCome, findings } = environmentToCome(properties);
  const running = pid > 0 ? environmentOf(pid) : null;
  return { properties, env: running ?? envToCome, envToCome, command, user: properties['User'] || 'root', findings };
}

/** The environment that a process was started with; null: it is gone, or somebody else's. */
export function environmentOf(pid: number): Environment | null {
  try {
    return toEnvironment(readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0'));
  } catch {
    return null;
  }
}

/** argv of a process; null: it is gone, or a kernel's. */
export function commandOf(pid: number): readonly string[] | null {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.length < 2 ? null : words.slice(0, -1);
  } catch {
    return null;
  }
}

function environmentToCome(properties: Properties): { readonly env: Environment; readonly findings: Finding[] } {
  const findings: Finding[] = [];
  const fromFiles = environmentFilesOf(properties['EnvironmentFiles'] ?? '').flatMap((file) =>
    filesFor(file.path).flatMap((path) => {
      const read = readVariables(path, file.mayBeAbsent);
      findings.push(...read.findings);
      return read.assignments;
    }),
  );
  const unset = new Set(wordsOf(properties['UnsetEnvironment'] ?? ''));
  const words = [...wordsOf(properties['Environment'] ?? ''), ...fromFiles].filter(
    (word) => !unset.has(word) && !unset.has(word.split('=')[0] ?? ''),
  );
  return { env: { PATH: SYSTEMD_PATH, ...toEnvironment(words) }, findings };
}

/** A pattern that fits nothing stands for itself, so that it is missed. */
function filesFor(path: string): string[] {
  if (!/[*?[]/.test(path)) return [path];
  const found = globSync(path).sort();
  return found.length === 0 ? [path] : found;
}

function readVariables(path: string, mayBeAbsent: boolean) {
  try {
    const { assignments, ignored } = parseEnvironmentText(readFileSync(path, 'utf8'));
    const findings = ignored.map((name) =>
      warn(
        'service',
        `systemd does not take the line '${name}=…' of ${path}`,
        `Write NAME=value, with nothing before the name${/^export\s/.test(name) ? ', also no export' : ''}.`,
      ),
    );
    return { assignments, findings };
  } catch (error) {
    const isAbsent = systemErrorCode(error) === 'ENOENT';
    if (isAbsent && mayBeAbsent) return { assignments: [], findings: [] };
    const finding = isAbsent
      ? fail(
          'service',
          `EnvironmentFile ${path} does not exist`,
          `Write ${path}, or take EnvironmentFile= out of the unit: without it the service does not start.`,
        )
      : warn('service', `EnvironmentFile ${path} cannot be read`, `Ask as root: only root can read ${path}.`);
    return { assignments: [], findings: [finding] };
  }
}

/** `path (ignore_errors=yes)`, one a line. Pure. */
export function environmentFilesOf(text: string): { readonly path: string; readonly mayBeAbsent: boolean }[] {
  return text.split('\n').flatMap((line) => {
    const [, path, ignores] = /^(.+) \(ignore_errors=(yes|no)\)$/.exec(line.trim()) ?? [];
    return path === undefined ? [] : [{ path, mayBeAbsent: ignores === 'yes' }];
  });
}

/** Files that a unit hands over as credentials, from its text with all additions: of two with one name the later one counts. Pure. */
export function credentialFilesOf(unit: string): readonly string[] {
  const files = new Map<string, string>();
  for (const [, name = '', file = ''] of unit.matchAll(/^LoadCredential=([^:\n]+):(\/.*)$/gm)) {
    files.set(name, file.trimEnd().replaceAll('%%', '%'));
  }
  return [...files.values()];
}

/** Words as `systemctl show` quotes them. Pure. */
export function wordsOf(text: string): string[] {
  const words = text.match(/\$?'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|(?:[^\s"'\\]|\\.)+/gs) ?? [];
  return words.map((word) => word.replace(/^\$?(['"])(.*)\1$/s, '$2').replace(/\\(.)/gs, '$1'));
}

/** The configuration that a command line of the agent names. Pure. */
export function configFileOf(words: readonly string[]): string | null {
  const at = words.findIndex((word) => /^--config[-_]file(=|$)/.test(word));
  const word = words[at];
  if (word === undefined) return null;
  return word.includes('=') ? word.slice(word.indexOf('=') + 1) : (words[at + 1] ?? null);
}

/** Splits ExecStart as systemd shows it, where words stand without their quotes: the value of an option may hold blanks. Pure. */
export function argumentsOf(execStart: string): string[] {
  const [, ...afterArgv] = execStart.split('argv[]=');
  const [words = '', ...rest] = afterArgv.join('argv[]=').split(' ; ignore_errors=');
  const [program = '', ...options] = rest.length === 0 ? [''] : words.split(/ (?=--)/);
  return [...program.split(' '), ...options.map((option) => option.replace(/[ =]/, '='))];
}

function toEnvironment(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.flatMap((word) => {
      const equals = word.indexOf('=');
      return equals < 1 ? [] : [[word.slice(0, equals), word.slice(equals + 1)]];
    }),
  );
}
