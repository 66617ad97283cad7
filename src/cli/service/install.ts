import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SlipwayError } from '../../errors.ts';
import { writeFileDurably } from '../../system/durable-file.ts';
import { lookupUser } from '../../system/users.ts';
import { packageRoot, programCommand } from '../package-root.ts';
import { requireSystemd, runForService } from './run.ts';
import { type StartContext, startService } from './start.ts';
import { renderUnit } from './unit.ts';

export interface ServiceInstallation {
  readonly name: 'slipway-agent' | 'slipway-server';
  /** Arguments that follow `slipway` in ExecStart. */
  readonly args: readonly string[];
  /** A system user that the service runs as and that is made if it does not exist; null: root. */
  readonly user: string | null;
  /** Folders that the service may not look into (`ProtectHome`): the program must not live there. */
  readonly hiddenFolders: readonly string[];
  /** The file of settings that the unit reads, made if it is not there; null: it reads none. */
  readonly environmentFile: { readonly path: string; readonly template: string } | null;
}

const UNIT_FOLDER = '/etc/systemd/system';
const WAITS_FOR = {
  'slipway-agent': 'its first poll has no answer yet (`slipway doctor` looks for the reason)',
  'slipway-server': 'it is still opening its database',
} as const;

/** The unit as it would be written for the program that is running now. */
export function unitForThisMachine(installation: ServiceInstallation): string {
  const template = readFileSync(join(packageRoot(), 'systemd', `${installation.name}.service`), 'utf8');
  return renderUnit(template, { execStart: [...programCommand(), ...installation.args] });
}

/** State of the service after its installation, as `--json` prints it. */
export interface InstalledService {
  readonly unit: string;
  readonly state: 'ready' | 'starting';
  readonly pid: number;
  /** The system user that was made for it; null: it was there, or none is needed. */
  readonly madeUser: string | null;
  readonly written: readonly string[];
}

/**
 * Writes the unit and its file of settings, makes the service's user, enables the service, starts it (anew), and waits for it to be ready.
 *
 * @param onStep is told of each change that has been made
 * @throws SlipwayError CLI_NOT_ROOT without root's rights. CLI_HIDDEN_PROGRAM if the service could not see its own program. PROGRAM_MISSING
 * or CLI_NO_SYSTEMD without systemd. CLI_SERVICE_FAILED if it does not come up
 */
export async function installService(
  ctx: StartContext,
  installation: ServiceInstallation,
  onStep: (step: string) => void,
): Promise<InstalledService> {
  if (process.getuid?.() !== 0) {
    throw new SlipwayError('CLI_NOT_ROOT', `only root can install ${installation.name} in ${UNIT_FOLDER}`);
  }
  requireSystemd();
  for (const path of programCommand()) {
    const hidden = installation.hiddenFolders.find((folder) => path.startsWith(`${folder}/`));
    if (hidden !== undefined) {
      throw new SlipwayError(
        'CLI_HIDDEN_PROGRAM',
        `the service is not allowed to look into ${hidden}, but ${path} is there`,
      );
    }
  }
  const { name, user, environmentFile } = installation;
  const unitFile = `${UNIT_FOLDER}/${name}.service`;
  const written: string[] = [];
  const madeUser = user !== null && (await makeUser(user)) ? user : null;
  if (madeUser !== null) onStep(`made system user ${madeUser}`);
  writeFileDurably(unitFile, unitForThisMachine(installation));
  written.push(unitFile);
  onStep(`wrote ${unitFile}`);
  await runForService('systemctl', ['daemon-reload']);
  if (environmentFile !== null && !existsSync(environmentFile.path)) {
    mkdirSync(dirname(environmentFile.path), { recursive: true });
    // It may get the password of a database.
    writeFileDurably(environmentFile.path, environmentFile.template, 0o600);
    written.push(environmentFile.path);
    onStep(`wrote ${environmentFile.path}: settings, all of them commented out`);
  }
  await runForService('systemctl', ['enable', name]);
  const { state, pid } = await startService(ctx, name);
  return { unit: `${name}.service`, state, pid, madeUser, written };
}

/** For people. Pure. */
export function describeStart(name: ServiceInstallation['name'], { state, pid }: InstalledService): string {
  if (state === 'ready') return `${name} is ready, with PID ${pid}`;
  return `${name} runs and is not ready yet: ${WAITS_FOR[name]}. \`journalctl -u ${name} -f\` follows it`;
}

/** @returns whether it was made; a user who is there is left alone */
export async function makeUser(user: string): Promise<boolean> {
  if (lookupUser(user) !== null) return false;
  await runForService('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/usr/sbin/nologin',
    user,
  ]);
  return true;
}
