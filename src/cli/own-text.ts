/** Texts with which Slipway itself controls a terminal or a build server; the words of strangers never may. */

declare const own: unique symbol;

/** Goes out as it is. Only the functions of this file make it. */
export type OwnText = string & { readonly [own]: true };

/** Goes up to the beginning of an earlier line. */
export function cursorUp(lines: number): OwnText {
  return (lines > 0 ? `\u001b[${Math.trunc(lines)}A` : '') as OwnText;
}

/** Empties the line that the cursor is in, and goes to its beginning. */
export const CLEAR_LINE = '\r\u001b[2K' as OwnText;

/** Annotations that `renderGitHubAnnotations` has made: it has escaped what strangers wrote. */
export function annotations(rendered: string): OwnText {
  return rendered as OwnText;
}
