/** Which server is looked at: the service's own settings, those of a server that somebody started by hand, or those that were asked about. */
import { readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { execa } from 'execa';
import { nearestWord } from '../../../appspec/suggest.ts';
import { isSlipwayError, messageOf, systemErrorCode } from '../../../errors.ts';
import { lockOwner } from '../../../system/instance-lock.ts';
import type { CliContext } from '../../context.ts';
import { addServerOptions, checkServerOptions, type ServerOptions, usedServerOptions } from '../../server-options.ts';
import type { Properties } from '../../service/properties.ts';
import { type Finding, fail, warn } from '../check.ts';
import { ownerOf } from '../process.ts';
import { commandOf, type Environment, environmentOf, type FoundService, findService } from '../service-environment.ts';

export const SERVER_SERVICE = 'slipway-server';
const CHECK = 'settings';

export interface ServerSetup {
  /** null: they cannot be used; the findings say why. */
  readonly options: ServerOptions | null;
  /** As systemd shows the service; null: the server is no service here, or another server is asked about. */
  readonly service: Properties | null;
  /** Process id of the server that works on the data folder; null: none does, or nobody may know. */
  readonly pid: number | null;
  /** The user that the server runs as; null: the user who asks stands for it. */
  readonly user: string | null;
  readonly env: Environment;
  readonly findings: readonly Finding[];
}

interface Source {
  readonly env: Environment;
  readonly words: readonly string[];
  /** Folder that relative paths begin at. */
  readonly folder: string;
}

/** @param given flags of `slipway server` that the person asks about, each as `--name=value` */
export async function findServerSetup(
  ctx: Pick<CliContext, 'env' | 'workingDirectory'>,
  given: readonly string[],
): Promise<ServerSetup> {
  const found = await findService(SERVER_SERVICE);
  const ofCaller: Source = { env: ctx.env, words: given, folder: ctx.workingDirectory };
  const ofService: Source | null =
    found === null ? null : { env: found.env, words: [...serverWords(found.command), ...given], folder: '/' };
  const isOther = ofService !== null && isOtherFolder(ofCaller, found, given);
  const service = isOther ? null : found;
  const source = isOther || ofService === null ? ofCaller : ofService;
  const first = readSettings(source);
  const running = ownerOfFolder(first.options);
  const byHand = service === null && running.pid !== null ? sourceOf(running.pid, given) : null;
  const { options, findings } = byHand === null ? first : readSettings(byHand);
  return {
    options,
    service: service?.properties ?? null,
    pid: running.pid,
    user: service?.user ?? (running.pid === null ? null : await userOf(running.pid)),
    env: byHand?.env ?? source.env,
    findings: [
      ...(isOther ? [otherServer()] : []),
      ...(service?.findings ?? []),
      ...findings,
      ...running.findings,
      ...(service === null ? [] : changedSince(service)),
      ...strayVariables(byHand?.env ?? source.env, options),
    ],
  };
}

function isOtherFolder(caller: Source, found: FoundService | null, given: readonly string[]): boolean {
  if (found === null || !given.some((word) => word.startsWith('--data-dir='))) return false;
  const wanted = readSettings(caller).options?.dataDir;
  const own = readSettings({ env: found.env, words: serverWords(found.command), folder: '/' }).options?.dataDir;
  return wanted !== own;
}

function otherServer(): Finding {
  const detail = `${SERVER_SERVICE} works on another data folder, and is not looked at`;
  return warn('service', detail, 'Leave --data-dir away to look at the service.');
}

/** Returns the words behind `server` in a command line. */
function serverWords(command: readonly string[]): readonly string[] {
  return command.slice(command.indexOf('server') + 1);
}

function sourceOf(pid: number, given: readonly string[]): Source | null {
  const [env, command] = [environmentOf(pid), commandOf(pid)];
  if (env === null || command === null || !command.includes('server')) return null;
  return { env, words: [...serverWords(command), ...given], folder: folderOf(pid) };
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '/';
  }
}

/** As `slipway server` would read them: a flag counts before a variable, a variable before the default; an empty variable is none. */
function readSettings({ env, words, folder }: Source): {
  readonly options: ServerOptions | null;
  readonly findings: readonly Finding[];
} {
  const command = quietCommand();
  const variables = command.options.flatMap(({ envVar, long }) => {
    const value = envVar === undefined ? undefined : env[envVar];
    return value === undefined || value === '' ? [] : [{ name: envVar ?? '', word: `${long}=${value}` }];
  });
  // The variables of whoever asks are not the server's.
  for (const option of command.options) delete option.envVar;
  try {
    command.parse([...variables.map(({ word }) => word), ...words], { from: 'user' });
    const options = usedServerOptions(command.opts<ServerOptions>(), folder);
    checkServerOptions(options);
    return { options, findings: [] };
  } catch (error) {
    return { options: null, findings: [settingFault(error, variables)] };
  }
}

function quietCommand(): Command {
  const command = addServerOptions(new Command('server')).exitOverride().allowUnknownOption().allowExcessArguments();
  return command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined });
}

function settingFault(error: unknown, variables: readonly { readonly name: string; readonly word: string }[]): Finding {
  const message = messageOf(error).replace(/^error: /, '');
  if (!(error instanceof CommanderError)) {
    const remedy = isSlipwayError(error) ? error.remedy : 'Correct the setting.';
    return fail(CHECK, message, `${WHERE}: ${remedy}`);
  }
  const flag = /'(--[\w-]+)/.exec(message)?.[1];
  const variable = variables.find(({ word }) => flag !== undefined && word.startsWith(`${flag}=`))?.name;
  const what = variable === undefined ? message : `${variable}: ${message}`;
  return fail(CHECK, what, `${WHERE}; \`slipway server --help\` shows what each setting takes.`);
}

const WHERE = 'Correct it in /etc/slipway/server.env, or in the command of the server, and start the server anew';

/** The server that holds the data folder's lock. */
function ownerOfFolder(options: ServerOptions | null): {
  readonly pid: number | null;
  readonly findings: readonly Finding[];
} {
  if (options === null) return { pid: null, findings: [] };
  try {
    return { pid: lockOwner(join(options.dataDir, 'server.lock')), findings: [] };
  } catch (error) {
    // A file in the folder's place: then none works there.
    if (systemErrorCode(error) === 'ENOTDIR') return { pid: null, findings: [] };
    const detail = `whether one works on ${options.dataDir} cannot be told: ${messageOf(error)}`;
    return { pid: null, findings: [warn('server', detail, 'Run the doctor as root, or as the server’s user.')] };
  }
}

/** The user's name, or the number of one that has none. */
async function userOf(pid: number): Promise<string | null> {
  const uid = ownerOf(pid);
  if (uid === null || uid === process.getuid?.()) return null;
  const { stdout } = await execa('id', ['--name', '--user', String(uid)], { reject: false, stdin: 'ignore' });
  return stdout.trim() || String(uid);
}

/** Settings that were edited and have not been put to use. */
function changedSince({ env, envToCome, findings }: FoundService): Finding[] {
  // Files that could not be read say nothing about what is in them.
  if (env === envToCome || findings.some(({ detail }) => detail.includes('cannot be read'))) return [];
  const names = [...new Set([...Object.keys(env), ...Object.keys(envToCome)])].filter(
    (name) => name.startsWith('SLIPWAY_') && env[name] !== envToCome[name],
  );
  if (names.length === 0) return [];
  const detail = `${names.join(', ')} changed since the server started`;
  return [warn(CHECK, detail, `Put it to use: \`systemctl restart ${SERVER_SERVICE}\`.`)];
}

/** Variables that look like settings and are none, or do not count. */
function strayVariables(env: Environment, options: ServerOptions | null): Finding[] {
  const known = quietCommand().options.flatMap(({ envVar }) => envVar ?? []);
  const stray = Object.keys(env).filter((name) => name.startsWith('SLIPWAY_') && ![...known, ...OTHERS].includes(name));
  const findings = stray.map((name) => {
    const near = nearestWord(name, known);
    const remedy = near === null ? 'Take it out, or correct its name.' : `Write ${near}, if that is meant.`;
    return warn(CHECK, `${name} is no setting of the server`, remedy);
  });
  const folder = env['SLIPWAY_DATA_DIR'];
  if (options !== null && folder !== undefined && folder !== '' && resolve(folder) !== options.dataDir) {
    const detail = `SLIPWAY_DATA_DIR=${folder} does not count: the command says --data-dir ${options.dataDir}`;
    findings.push(
      warn(CHECK, detail, `Change ExecStart= (\`systemctl edit ${SERVER_SERVICE}\`), or take the line out.`),
    );
  }
  return findings;
}

/** Variables of the command line and of tests. */
const OTHERS: readonly string[] = ['SLIPWAY_ENDPOINT_URL', 'SLIPWAY_CA_FILE'];
