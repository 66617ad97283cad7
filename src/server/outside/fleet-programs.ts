/** Programs of the operator that make replacement hosts, and end original ones. Types only. Pure. */

export interface Program {
  readonly command: readonly string[];
  /** How long it may take, with all its repetitions; milliseconds. */
  readonly limitMs: number;
  /** Whether it may be run again after a server was killed while it ran. */
  readonly mayRunAgain: boolean;
}

export interface ProvisionProgram extends Program {
  /** How long the hosts that it has made may take to enrol; milliseconds. */
  readonly enrolMs: number;
}

/** The programs of a deployment group. */
export interface FleetPrograms {
  /** null: replacement hosts are there already. */
  readonly provision: ProvisionProgram | null;
  /** null: original hosts run on. */
  readonly terminate: Program | null;
}

export type FindFleetPrograms = (applicationName: string, groupName: string) => FleetPrograms;

export const NO_PROGRAMS: FleetPrograms = { provision: null, terminate: null };
