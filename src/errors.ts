/**
 * The one catalogue of error codes, and the one error class.
 *
 * A code is a promise to scripts and to `docs/errors.md`, which a test holds against this file in both directions. Codes are
 * never reused for another meaning. Sections follow the rooms of `src/`.
 */

interface CatalogueEntry {
  /** What the code means, wherever it is raised: one sentence. */
  readonly meaning: string;
  /** What an operator can do; the place that raises the error may say something more exact. */
  readonly remedy: string;
}

export const ERROR_CATALOGUE = {
  // --- system
  INTERNAL: {
    meaning: 'Slipway met a situation that its authors did not foresee.',
    remedy: 'Run the command again with --verbose and report what it prints.',
  },
  // --- config
  // --- protocol
  // --- appspec
  // --- archive
  // --- revision
  // --- install
  // --- hooks
  // --- deployment
  // --- agent
  // --- server
  // --- s3
  // --- cli
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export interface SlipwayErrorOptions {
  /** What the operator can do now; the catalogue's text when absent. */
  readonly remedy?: string;
  readonly cause?: unknown;
}

/** A fault with a stable code, a message that says what happened and where, and a remedy. Its cause is kept. */
export class SlipwayError extends Error {
  override readonly name = 'SlipwayError';
  readonly code: ErrorCode;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: SlipwayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy ?? ERROR_CATALOGUE[code].remedy;
  }
}

/** Whether `error` is a SlipwayError, with this code if one is given. */
export function isSlipwayError(error: unknown, code?: ErrorCode): error is SlipwayError {
  return error instanceof SlipwayError && (code === undefined || error.code === code);
}

/** The text of anything that was thrown, for messages that quote a cause. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The `code` of a Node system error (`ENOENT`, `ECONNREFUSED`, …), or null. */
export function systemErrorCode(thrown: unknown): string | null {
  if (!(thrown instanceof Error) || !('code' in thrown)) return null;
  return typeof thrown.code === 'string' ? thrown.code : null;
}
