/**
 * The variables that a shell's profile sets, for scripts. The official agent's service starts in a shell that has read `/etc/profile` and
 * exports all that it sets. So scripts count on a PATH or a JAVA_HOME from there.
 *
 * A separate shell reads the profile, so that a profile that exits, hangs, prints or changes the umask does nothing to the agent.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import { signalProcess } from '../system/processes.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export const USUAL_PROFILE = '/etc/profile';

/** Profiles that ask the network take seconds; longer, and scripts do without. */
const READ_MS = 10_000;
/** Time to read, in ms, after the shell's end: its output is here by then. */
const LAST_WORDS_MS = 500;
/** Variables that the shell makes for itself. SHELLOPTS would switch its options on in every shell below. */
const OF_THE_SHELL = new Set(['_', 'SHLVL', 'PWD', 'OLDPWD', 'SHELLOPTS', 'BASHOPTS']);
/** Marks where the profile's own words end. */
const MARK = '\0slipway\0';

/**
 * @param environment what the profile is read with, and what the answer begins with
 * @param onFault is told why the variables are not there; the answer is then `environment` itself
 */
export async function withProfile(
  file: string,
  environment: Environment,
  onFault: (why: string) => void,
): Promise<Environment> {
  if (!existsSync(file)) return environment;
  const shell = existsSync('/bin/bash') ? '/bin/bash' : '/bin/sh';
  const read = `set -a; . "$1" >&2; set +a; printf '${MARK.replaceAll('\0', '\\0')}'; exec env -0`;
  const said = await run(shell, ['-c', read, 'profile', file], environment);
  const [before, variables] = said.output.split(MARK);
  if (before === '' && variables !== undefined) return parseVariables(variables);
  onFault(said.why ?? 'it ends the shell that reads it');
  return environment;
}

/** @returns what it has written, and why it is not all */
function run(
  program: string,
  args: readonly string[],
  env: Environment,
): Promise<{ output: string; why: string | null }> {
  return new Promise((resolve) => {
    let output = '';
    let why: string | null = null;
    // A bash whose standard input is a socket takes itself for a remote shell, and reads more than it was told.
    const child = spawn(program, args, {
      env: { ...env },
      cwd: '/',
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    });
    const end = () => {
      clearTimeout(timer);
      child.stdout.destroy();
      resolve({ output, why });
    };
    let timer = setTimeout(() => {
      why = `it takes longer than ${READ_MS / 1000} seconds`;
      if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
      end();
    }, READ_MS);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', (error) => {
      why = messageOf(error);
    });
    child.on('exit', () => {
      clearTimeout(timer);
      // What the profile has left running may hold the output for ever.
      timer = setTimeout(end, LAST_WORDS_MS);
    });
    child.on('close', end);
  });
}

function parseVariables(text: string): Environment {
  const variables = text.split('\0').flatMap((entry) => {
    const at = entry.indexOf('=');
    const name = entry.slice(0, at);
    // Functions that bash exports have names that are none.
    return at > 0 && /^[A-Za-z_]\w*$/.test(name) && !OF_THE_SHELL.has(name)
      ? [[name, entry.slice(at + 1)] as const]
      : [];
  });
  return Object.fromEntries(variables);
}
