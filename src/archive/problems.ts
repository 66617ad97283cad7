import { type ErrorCode, SlipwayError } from '../errors.ts';

/** The codes of this room: one for each way in which an archive can be wrong. */
export type ArchiveErrorCode = Extract<ErrorCode, `ARCHIVE_${string}`>;

/** An error about one entry of an archive, or about the archive as a whole when there is no entry to name. */
export function archiveError(
  code: ArchiveErrorCode,
  entry: string | null,
  what: string,
  { cause, remedy }: { readonly cause?: unknown; readonly remedy?: string } = {},
): SlipwayError {
  const where = entry === null ? 'the bundle' : `the entry '${printable(entry)}' of the bundle`;
  return new SlipwayError(code, `${where} ${what}`, { cause, ...(remedy === undefined ? {} : { remedy }) });
}

/** Control characters as escapes, and no more than a line: a name comes from a stranger and goes into logs. */
function printable(name: string): string {
  const shown = name.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}

export function linkEscapeError(entry: string, target: string): SlipwayError {
  return archiveError('ARCHIVE_LINK_ESCAPES', entry, `is a link to '${target}', which leads out of the bundle`);
}
