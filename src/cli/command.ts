/** What `program.ts` and the files of the single subcommands agree on. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import type { ExitReason } from './exit-status.ts';

/** What a command's action tells about its end. */
export type Conclude = (reason: ExitReason) => void;

/** Adds one subcommand to `slipway`. */
export type AddCommand = (program: Command, ctx: CliContext, conclude: Conclude) => void;
