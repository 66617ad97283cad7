/** Errors about archives. Pure. */
import { type ErrorCode, SlipwayError } from '../errors.ts';
import { printable } from '../system/printable.ts';

/** The codes of this room: one for each way in which an archive can be wrong. */
export type ArchiveErrorCode = Extract<ErrorCode, `ARCHIVE_${string}`>;

/** An error about one entry of an archive, or about the archive as a whole when there is no entry to name. */
export function archiveError(
  code: ArchiveErrorCode,
  entry: string | null,
  what: string,
  { cause, remedy }: { readonly cause?: unknown; readonly remedy?: string } = {},
): SlipwayError {
  const where = entry === null ? 'the bundle' : `the entry '${shortName(entry)}' of the bundle`;
  return new SlipwayError(code, `${where} ${what}`, { cause, ...(remedy === undefined ? {} : { remedy }) });
}

/** No more than a line: a name comes from a stranger and goes into logs. */
function shortName(name: string): string {
  const shown = printable(name);
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}

const NO_CONTENT = 'Leave it out of the bundle: devices, pipes and sockets cannot be deployed.';

/** @param is such as `a named pipe` */
export function specialFileError(entry: string, is: string): SlipwayError {
  return archiveError('ARCHIVE_ENTRY_UNUSABLE', entry, `is no file, folder or link but ${is}`, { remedy: NO_CONTENT });
}

const IN_UTF8 = 'Rename the file where the bundle is built so that its name is UTF-8 (convmv does), or leave it out.';

export function nameNotUtf8Error(entry: string): SlipwayError {
  return archiveError('ARCHIVE_ENTRY_UNUSABLE', entry, 'has a name that is not UTF-8', { remedy: IN_UTF8 });
}

export function linkEscapeError(entry: string, target: string): SlipwayError {
  return archiveError(
    'ARCHIVE_LINK_ESCAPES',
    entry,
    `is a link to '${shortName(target)}', which leads out of the bundle`,
  );
}
