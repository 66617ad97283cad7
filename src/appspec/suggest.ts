/** Words that were mistyped. Pure. */

/** The known word that was probably meant, for messages; null when none is near. */
export function nearestWord(word: string, known: readonly string[]): string | null {
  return nearestWords(word, known)[0] ?? null;
}

/** All known words that are nearest: `dregister` is as near to `register` as to `deregister`. */
export function nearestWords(word: string, known: readonly string[]): readonly string[] {
  let nearestDistance = Math.max(1, Math.floor(word.length / 4));
  let nearest: string[] = [];
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance > nearestDistance) continue;
    if (distance < nearestDistance) nearest = [];
    nearest.push(candidate);
    nearestDistance = distance;
  }
  return nearest;
}

/** `; did you mean 'x'?`, or nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = nearestWord(word, known);
  return nearest === null ? '' : `; did you mean '${nearest}'?`;
}

const MAX_NEAR = 3;
/** More letters than this are no slip of the pen, however long a name is. */
const MAX_SLIPS = 3;

/**
 * Returns the known names close to a name, nearest first: those a slip of the pen away, and those where one name contains the other. Pure.
 */
export function nearNames(name: string, known: readonly string[]): readonly string[] {
  const limit = Math.min(MAX_SLIPS, Math.max(1, Math.floor(name.length / 3)));
  const lower = name.toLowerCase();
  const distances = known.flatMap((one) => {
    const other = one.toLowerCase();
    const isPart = name.length > 1 && (other.includes(lower) || (one.length > 1 && lower.includes(other)));
    const distance = editDistance(lower, other);
    return distance <= limit || isPart ? [{ one, distance }] : [];
  });
  return distances
    .sort((a, b) => a.distance - b.distance || (a.one < b.one ? -1 : 1))
    .slice(0, MAX_NEAR)
    .map(({ one }) => one);
}

/**
 * The name in a folder that was probably meant: the same but for capitals, separators or its ending, or a slip of the pen away. Null: none
 * is near.
 */
export function nearestName(name: string, present: readonly string[]): string | null {
  const bare = (text: string) => text.toLowerCase().replace(/[-_. ]/g, '');
  const stem = (text: string) => bare(text.replace(/(?<=.)\.[^.]*$/, ''));
  return (
    present.find((one) => one !== name && bare(one) === bare(name)) ??
    (stem(name).length > 2 ? nearestWord(name, present) : null) ??
    present.find((one) => stem(one) === stem(name)) ??
    null
  );
}

/**
 * Returns the path that was probably meant by one where nothing is. Looks for each part in its folder, and takes a near name for a missing
 * one.
 *
 * @param path relative, without `.` and `..`
 * @param readdir names in a folder, given relative; none for what is no folder
 */
export function nearPath(path: string, readdir: (folder: string) => readonly string[]): string | null {
  const found: string[] = [];
  for (const part of path.split('/').filter((one) => one !== '' && one !== '.')) {
    const present = readdir(found.join('/'));
    const there = present.includes(part) ? part : nearestName(part, present);
    if (there === null) return elsewhere(path, readdir);
    found.push(there);
  }
  return found.length === 0 || found.join('/') === path ? null : found.join('/');
}

/** Finds the same file in the root or one folder down, or one with a near name. */
function elsewhere(path: string, readdir: (folder: string) => readonly string[]): string | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const folders = ['', ...readdir('')];
  const find = (search: (present: readonly string[]) => string | null) => {
    for (const folder of folders) {
      const found = search(readdir(folder));
      if (found !== null) return folder === '' ? found : `${folder}/${found}`;
    }
    return null;
  };
  const found =
    find((present) => (present.includes(name) ? name : null)) ?? find((present) => nearestName(name, present));
  return found === path ? null : found;
}

/** Letters to insert, remove or replace, and neighbours to exchange, to turn one word into the other. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isExchanged = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const exchange = isExchanged ? (before[j - 2] ?? 0) + 1 : replace;
      next[j] = Math.min(replace, exchange, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
}
