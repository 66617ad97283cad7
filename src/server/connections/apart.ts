/**
 * Headers of every answer that does not set its own. Pure.
 *
 * All doors share one address, so to a browser they are one site with the console. A user may store a web page as a revision and send its
 * presigned address to an admin. Without these headers the programs of that page would act with the admin's session. With them, what a
 * browser shows has no programs, loads nothing, is of no site, and is taken for what its type says.
 */
export const APART: readonly (readonly [string, string])[] = [
  ['content-security-policy', "sandbox; default-src 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
];
