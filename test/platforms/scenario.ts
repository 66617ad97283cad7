/** A part of the program, and what it has found. Types only. */

export interface Outcome {
  /** Trial, in words. */
  readonly scenario: string;
  /** Faults; empty: all is well. */
  readonly problems: readonly string[];
  /** Servers that were killed. */
  readonly kills: number;
  /** Whether traffic was left divided although nobody has asked for that. */
  readonly isSplitAtEnd: boolean;
}

/** Things that a part works with. */
export interface Site {
  /** An empty one. */
  readonly folder: string;
  /** The program that servers are started from. */
  readonly program: string;
}

/** Runs scenarios, and tells of each when it is over. */
export type RunScenarios = (site: Site, report: (outcome: Outcome) => void) => Promise<void>;
