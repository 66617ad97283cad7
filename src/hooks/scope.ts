/**
 * Scopes of systemd: a hook in a control group of its own, outside the agent's.
 *
 * The agent's service manager may stop, restart or kill the agent without reaching the hook then. On a timeout everything that the hook has
 * started is found, wherever it hides. The scope vanishes with its last process.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { CommandLine } from './command-line.ts';

export type HookScopesMode = 'auto' | 'on' | 'off';

export interface HookScope {
  /** `slipway-hook-….scope` */
  readonly unit: string;
  /** Text that `systemctl status` shows. */
  readonly description: string;
}

/** Whether hooks of this process get scopes. Once systemd refuses one, it is not asked again. */
export interface HookScopes {
  isEnabled(): boolean;
  /** @returns null: the hook runs among the agent's own processes */
  scopeFor(hostCommandIdentifier: string, index: number, description: string): HookScope | null;
  /** @returns whether to go on without, which is said once; false: the operator wants scopes or nothing */
  refused(why: string): boolean;
}

/**
 * @param mode auto: where this process is a service of systemd's and may make units
 * @param onRefused is told once why there are none, when there should be
 */
export function createHookScopes(
  mode: HookScopesMode,
  environment: Readonly<Record<string, string | undefined>>,
  onRefused: (why: string) => void,
): HookScopes {
  let enabled = mode === 'on' || (mode === 'auto' && isServiceOfSystemd(environment));
  return {
    isEnabled: () => enabled,
    scopeFor: (hostCommandIdentifier, index, description) =>
      enabled ? { unit: `${scopePrefix(hostCommandIdentifier)}${index}.scope`, description } : null,
    refused(why) {
      if (mode === 'on') return false;
      if (enabled) onRefused(why);
      enabled = false;
      return true;
    },
  };
}

/** How the names of all scopes of a host command begin; its identifier may hold anything, and a unit's name may not. */
export function scopePrefix(hostCommandIdentifier: string): string {
  return `slipway-hook-${createHash('sha256').update(hostCommandIdentifier).digest('hex').slice(0, 20)}-`;
}

/** Names the scope of an update of the agent. It is not among those of hooks, because a new agent ends the hooks of the one before. */
export function updateScope(hostCommandIdentifier: string): HookScope {
  const unit = `${scopePrefix(hostCommandIdentifier).replace('-hook-', '-update-')}0.scope`;
  return { unit, description: 'Slipway update of the agent' };
}

/** The descriptor on which a scope says that it is there. */
export const SCOPE_READY_FD = 3;

/**
 * The same command in a scope. `systemd-run` becomes the command itself, so process id, group, output and exit code are the command's own.
 * Just before, a shell writes a line to descriptor 3: without it, a fault of `systemd-run` would look like one of the script.
 */
export function inScope({ unit, description }: HookScope, { file, args }: CommandLine): CommandLine {
  const announce = `echo >&${SCOPE_READY_FD}; exec ${SCOPE_READY_FD}>&-; exec "$@"`;
  return {
    file: 'systemd-run',
    args: [
      ...['--scope', '--quiet', '--collect', `--unit=${unit}`, `--description=${description}`, '--'],
      ...['/bin/sh', '-c', announce, 'slipway-hook', file, ...args],
    ],
  };
}

/** @param controlGroups of a process, as /proc shows them; @param unitPrefix the unit's name, or how it begins */
export function isInScope(controlGroups: string, unitPrefix: string): boolean {
  return controlGroups.includes(`/${unitPrefix}`);
}

/** The login session that a process is in, as `session-c1.scope`. */
export function sessionScope(controlGroups: string): string | null {
  return /\/(session-[^/\n]+\.scope)$/m.exec(controlGroups)?.[1] ?? null;
}

/**
 * Returns the folders in which the kernel shows a scope's control group, from the control groups of a process in it. Understands one
 * hierarchy, hybrid mode (two folders), and the first version.
 */
export function scopeFolders(controlGroups: string, unitPrefix: string): readonly string[] {
  const folders = controlGroups.split('\n').flatMap((line) => {
    const [, controllers, path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const begin = path.indexOf(`/${unitPrefix}`);
    if (begin < 0) return [];
    const below = path.indexOf('/', begin + 1);
    const scope = below < 0 ? path : path.slice(0, below);
    if (controllers === 'name=systemd') return [`/sys/fs/cgroup/systemd${scope}`];
    return controllers === '' ? [`/sys/fs/cgroup${scope}`, `/sys/fs/cgroup/unified${scope}`] : [];
  });
  return folders.filter((folder) => existsSync(folder));
}

/** Whether this process is a service of systemd's, and may make units. */
export function isServiceOfSystemd(environment: Readonly<Record<string, string | undefined>>): boolean {
  const isService = Boolean(environment['INVOCATION_ID'] || environment['NOTIFY_SOCKET']);
  return isService && existsSync('/run/systemd/system') && process.getuid?.() === 0;
}
