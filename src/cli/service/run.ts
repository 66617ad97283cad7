/** Programs that make and start services. */
import { existsSync } from 'node:fs';
import { execa } from 'execa';
import { SlipwayError } from '../../errors.ts';
import { requireProgram } from '../../system/programs.ts';

/** @throws SlipwayError PROGRAM_MISSING or CLI_NO_SYSTEMD where no service can be installed; nothing is changed */
export function requireSystemd(): void {
  requireProgram('systemctl', process.env['PATH']);
  if (!existsSync('/run/systemd/system')) {
    throw new SlipwayError(
      'CLI_NO_SYSTEMD',
      'this machine was not started by systemd, so it has no services of systemd',
    );
  }
}

/** @throws SlipwayError CLI_SERVICE_FAILED with what the program said */
export async function runForService(program: 'systemctl' | 'useradd', args: readonly string[]): Promise<void> {
  requireProgram(program, process.env['PATH']);
  const { failed, stderr, shortMessage = '' } = await execa(program, [...args], { reject: false, stdin: 'ignore' });
  if (!failed) return;
  throw new SlipwayError(
    'CLI_SERVICE_FAILED',
    `${program} ${args.join(' ')} failed: ${stderr.trim() || shortMessage}`,
    {
      remedy: 'Correct what it names, then run the command again.',
    },
  );
}
