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

/** Runs scenarios, and tells of each when it is over. @param folder an empty one */
export type RunScenarios = (folder: string, report: (outcome: Outcome) => void) => Promise<void>;
