import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { SlipwayError } from '../../errors.ts';
import { writeFileDurably } from '../../system/durable-file.ts';
import type { Output } from '../context.ts';
import { packageRoot } from '../package-root.ts';
import { renderUnit } from './unit.ts';

export interface ServiceInstallation {
  readonly name: 'slipway-agent' | 'slipway-server';
  /** What follows `slipway` in ExecStart. */
  readonly args: readonly string[];
  /** A system user that the service runs as and that is made if it does not exist; null: root. */
  readonly user: string | null;
  /** Folders that the service may not look into (`ProtectHome`): the program must not live there. */
  readonly hiddenFolders: readonly string[];
  readonly stdout: Output;
}

const UNIT_FOLDER = '/etc/systemd/system';

/** The unit as it would be written for the program that is running now. */
export function unitForThisMachine(installation: ServiceInstallation): string {
  const template = readFileSync(join(packageRoot(), 'systemd', `${installation.name}.service`), 'utf8');
  return renderUnit(template, { execStart: [process.execPath, programFile(), ...installation.args] });
}

/**
 * Writes the unit, makes the service's user, and enables and starts the service.
 *
 * @throws SlipwayError CLI_NOT_ROOT without root's rights; CLI_HIDDEN_PROGRAM if the service could not see its own program
 */
export async function installService(installation: ServiceInstallation): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new SlipwayError('CLI_NOT_ROOT', `only root can install ${installation.name} in ${UNIT_FOLDER}`);
  }
  for (const path of [process.execPath, programFile()]) {
    const hidden = installation.hiddenFolders.find((folder) => path.startsWith(`${folder}/`));
    if (hidden !== undefined) {
      throw new SlipwayError(
        'CLI_HIDDEN_PROGRAM',
        `the service is not allowed to look into ${hidden}, but ${path} is there`,
      );
    }
  }
  const unitFile = `${UNIT_FOLDER}/${installation.name}.service`;
  const { user, stdout } = installation;
  if (user !== null && (await execa('id', [user], { reject: false })).exitCode !== 0) {
    await execa('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', user]);
    stdout.write(`made system user ${user}\n`);
  }
  writeFileDurably(unitFile, unitForThisMachine(installation));
  stdout.write(`wrote ${unitFile}\n`);
  await execa('systemctl', ['daemon-reload']);
  await execa('systemctl', ['enable', '--now', '--no-block', installation.name]);
  stdout.write(`started ${installation.name}: systemctl status ${installation.name} shows how it is\n`);
}

/** bin/slipway.js of this very package. */
function programFile(): string {
  return join(packageRoot(), 'bin/slipway.js');
}
