/** Types that `program.ts` and the files of the single subcommands share. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import type { ExitReason } from './exit-status.ts';

/** Tells how a command's action ended. */
export type Conclude = (reason: ExitReason) => void;

/** Adds one subcommand to `slipway`. */
export type AddCommand = (program: Command, ctx: CliContext, conclude: Conclude) => void;
