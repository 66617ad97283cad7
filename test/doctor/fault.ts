/** The shape of a fault that is planted, and of what must be said of it. */
import type { ControlServer, EnrolledHost, Environment } from '../support/slipway.ts';

export interface Fault {
  /** A whole sentence: what is wrong with what. */
  readonly name: string;
  /** The reason why it cannot be planted on this machine; null: it can. */
  readonly missing?: string | null;
  /** Plants it for real, and says whom to ask. */
  plant(ground: Ground): Promise<Question>;
}

/** The command that must find the fault. */
export interface Question {
  readonly args: readonly string[];
  readonly env?: Environment;
  /** The finding of a doctor that must be a fault; or what a command that fails must say. */
  readonly finds: string | RegExp;
  /** Words that the finding's detail must hold beside that. */
  readonly detail?: RegExp;
  readonly remedy: RegExp;
}

/** Where a fault is planted. Everything is put away by the runner. */
export interface Ground {
  /** A folder of this fault's own, empty. */
  readonly folder: string;
  /** For what must be put away after the question: processes, mounts. */
  readonly after: AsyncDisposableStack;
  /** One server for all faults that leave it usable. */
  sharedServer(): Promise<ControlServer>;
  /** A server of this fault's own. @param args more arguments for `slipway server` */
  ownServer(args?: readonly string[]): Promise<ControlServer>;
  /** A host of the shared server with a folder of its own. */
  host(): Promise<EnrolledHost>;
}

export interface Judgement {
  readonly fault: Fault;
  readonly ending: 'found' | 'missed' | 'wrong remedy' | 'not run';
  /** The wrong words, or why the fault was not planted. */
  readonly why: string | null;
}
