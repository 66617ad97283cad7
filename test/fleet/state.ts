/** Things that the scenarios share: the machines and the operator's commands. Each scenario leaves them ready for the next one. */
import { eventually } from '../support/eventually.ts';
import type { SmallFileSystem } from '../support/small-file-system.ts';
import type { Control } from './control.ts';
import type { FleetGround, FleetMachine } from './fleet.ts';

export interface FleetState {
  readonly ground: FleetGround;
  readonly server: FleetMachine;
  readonly hosts: FleetMachine[];
  /** Mounted at `/small` in the first host. */
  readonly disk: SmallFileSystem;
  /** Takes what was booted later; all of it ends with the fleet. */
  own(machine: FleetMachine): FleetMachine;
  /** null: there is no server yet. */
  control: Control | null;
}

/** The application whose hooks do nothing but say that they ran; it has a group for each host, called as the host, and `all`. */
export const JOB = 'job';

export function controlIn({ control }: FleetState): Control {
  if (control === null) throw new Error('the server was not set up');
  return control;
}

/** @param index from 0 */
export function hostIn({ hosts }: FleetState, index: number): FleetMachine {
  const host = hosts[index];
  if (host === undefined) throw new Error(`host ${index} was not booted`);
  return host;
}

export function must(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

export async function untilActive({ machine }: FleetMachine, unit = 'slipway-agent'): Promise<void> {
  const isActive = () => machine.ask(`systemctl is-active ${unit}`) === 'active';
  await eventually(isActive, { withinMs: 60_000, everyMs: 200 });
}

export function agentPid({ machine }: FleetMachine): string {
  return machine.run('systemctl show --property=MainPID --value slipway-agent');
}

/** @param events scripts that have ended on a host, in their order */
export function mustHaveRunOnce(events: readonly string[], of: readonly string[]): void {
  must(events.join(' ') === of.join(' '), `scripts that ran: ${events.join(' ')}; they should be: ${of.join(' ')}`);
}
