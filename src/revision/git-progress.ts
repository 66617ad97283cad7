/** Progress lines that git writes over and over while it fetches. */

/** `remote: ` comes before what the server's git writes. */
const PROGRESS = /^(remote: )?([A-Z][a-z]+ (objects|deltas): |Total \d+ \(delta )/;
/** Work on what has come. Git puts `remote: ` before each line of a server, so that none can pass for one of these. */
const LOCAL_WORK =
  /^(Resolving deltas|Indexing objects|Unpacking objects|Checking (connectivity|objects)|Updating files): /;

/** A line that is longer is none of git's own. */
const KEPT_LINE = 1024;

/**
 * Listens to what git writes, piece by piece.
 *
 * @returns takes the next piece; says whether a line that ends in it tells of git's own work, which waits for nobody
 */
export function createWorkListener(): (text: string) => boolean {
  let begun = '';
  return (text) => {
    // Pieces end anywhere, also behind a prefix.
    const lines = linesOf(begun + text);
    begun = (lines.pop() ?? '').slice(0, KEPT_LINE);
    return lines.some((line) => LOCAL_WORK.test(line));
  };
}

/** Removes the progress lines and keeps the faults. */
export function withoutProgress(output: string): string {
  return linesOf(output)
    .filter((line) => line.trim() !== '' && !PROGRESS.test(line))
    .join('\n');
}

/** Returns git's own words, line by line: a server's lines begin with `remote: `. */
export function ownWords(output: string): string {
  const isRemote = (text: string) => text.startsWith('remote: ');
  return output
    .split('\n')
    .filter((line) => !isRemote(line))
    .map((line) =>
      withoutProgress(
        line
          .split('\r')
          .filter((piece) => !isRemote(piece))
          .join('\n'),
      ),
    )
    .filter((line) => line !== '')
    .join('\n');
}

function linesOf(output: string): string[] {
  return output.split(/[\r\n]/);
}
