/** The difference between two revisions: which files one has and the other has not, and which are not the same. Pure. */
import type { RevisionFileRecord, TextDifferenceRecord } from '../../protocol/management/shapes.ts';

export interface FilesDifference {
  readonly added: readonly RevisionFileRecord[];
  readonly removed: readonly RevisionFileRecord[];
  readonly changed: readonly { readonly before: RevisionFileRecord; readonly after: RevisionFileRecord }[];
  readonly sameCount: number;
}

/** Folders without a change of their own say nothing, so they are left out. Of entries with one path the last counts, as on a host. */
export function differenceOf(
  before: readonly RevisionFileRecord[],
  after: readonly RevisionFileRecord[],
): FilesDifference {
  const [old, now] = [byPath(before), byPath(after)];
  const both = [...now].flatMap(([path, file]) => {
    const was = old.get(path);
    return was === undefined ? [] : [{ before: was, after: file }];
  });
  const changed = both.filter((pair) => !isSame(pair.before, pair.after));
  return {
    added: [...now].flatMap(([path, file]) => (old.has(path) ? [] : [file])),
    removed: [...old].flatMap(([path, file]) => (now.has(path) ? [] : [file])),
    changed,
    sameCount: both.length - changed.length,
  };
}

function byPath(files: readonly RevisionFileRecord[]): Map<string, RevisionFileRecord> {
  const named = files.filter(({ kind }) => kind !== 'directory');
  return new Map(named.map((file) => [file.path, file]));
}

/** One format knows modes that another has not; what is not known makes no difference. */
function isSame(one: RevisionFileRecord, other: RevisionFileRecord): boolean {
  const agree = (a: string | undefined, b: string | undefined) => a === undefined || b === undefined || a === b;
  return (
    one.kind === other.kind &&
    one.sizeBytes === other.sizeBytes &&
    agree(one.crc32, other.crc32) &&
    agree(one.mode, other.mode) &&
    agree(one.linkTarget, other.linkTarget)
  );
}

/** The table of a comparison has so many cells at most; longer texts count as others altogether. */
const MAX_CELLS = 4_000_000;

/** The shortest way from one text to another, line by line. */
export function textDifference(before: string, after: string): TextDifferenceRecord[] {
  const [old, now] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < Math.min(old.length, now.length) && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  return joined([
    ...old.slice(0, start).map((line) => ['same', line] as const),
    ...middle(old.slice(start, old.length - end), now.slice(start, now.length - end)),
    ...now.slice(now.length - end).map((line) => ['same', line] as const),
  ]);
}

type Step = readonly [TextDifferenceRecord['kind'], string];

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function middle(old: readonly string[], now: readonly string[]): Step[] {
  const width = now.length + 1;
  if ((old.length + 1) * width > MAX_CELLS) {
    return [...old.map((line) => ['removed', line] as const), ...now.map((line) => ['added', line] as const)];
  }
  // Length of the longest common run of what is left behind both places.
  const common = new Uint16Array((old.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [was, is] = [old[i], now[j]];
    if (was !== undefined && was === is) {
      steps.push(['same', was]);
      i += 1;
      j += 1;
    } else if (was !== undefined && (is === undefined || at(i + 1, j) >= at(i, j + 1))) {
      steps.push(['removed', was]);
      i += 1;
    } else {
      steps.push(['added', is ?? '']);
      j += 1;
    }
  }
  return steps;
}

function joined(steps: readonly Step[]): TextDifferenceRecord[] {
  const found: { kind: TextDifferenceRecord['kind']; lines: string[] }[] = [];
  for (const [kind, line] of steps) {
    const last = found.at(-1);
    if (last?.kind === kind) last.lines.push(line);
    else found.push({ kind, lines: [line] });
  }
  return found;
}
