/** When a host counts as silent, for the server, the command line and the console. Pure. */

/** Longer than any agent goes without a poll, with the usual settings. */
export const SILENT_MS = 3 * 60_000;
