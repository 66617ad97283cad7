/** The grammar of an SELinux range: `s<n>[-s<n>][:c<n>[.c<n>][,…]]`. Pure. */

export type SelinuxRangeResult =
  | { readonly ok: true; readonly range: string }
  | { readonly ok: false; readonly problem: string };

const HIGHEST_CATEGORY = 1023;

/** Reads a range and writes it normalised: categories sorted, runs joined with a dot. */
export function parseSelinuxRange(text: string): SelinuxRangeResult {
  const [levels = '', categories, ...rest] = text.trim().split(':');
  if (rest.length > 0) return wrong('it has more than one colon');
  const match = /^s(\d{1,5})(?:-s(\d{1,5}))?$/.exec(levels);
  if (match === null) return wrong(`'${levels}' is not of the form s0 or s0-s1`);
  const low = Number(match[1]);
  const high = match[2] === undefined ? null : Number(match[2]);
  if (high !== null && high < low) return wrong(`the high level s${high} is below the low level s${low}`);
  const level = high === null ? `s${low}` : `s${low}-s${high}`;
  if (categories === undefined) return { ok: true, range: level };
  const numbers = new Set<number>();
  for (const part of categories.split(',')) {
    const run = /^c(\d{1,5})(?:\.c(\d{1,5}))?$/.exec(part);
    if (run === null) return wrong(`'${part}' is not of the form c0 or c0.c3`);
    const from = Number(run[1]);
    const to = run[2] === undefined ? from : Number(run[2]);
    if (to < from || (run[2] !== undefined && to === from)) return wrong(`'${part}' does not ascend`);
    if (to > HIGHEST_CATEGORY) return wrong(`c${to} is above c${HIGHEST_CATEGORY}`);
    for (let category = from; category <= to; category += 1) {
      if (numbers.has(category)) return wrong(`c${category} is named twice`);
      numbers.add(category);
    }
  }
  return { ok: true, range: `${level}:${joinRuns([...numbers].sort((a, b) => a - b))}` };
}

function joinRuns(sorted: readonly number[]): string {
  const runs: { from: number; to: number }[] = [];
  for (const number of sorted) {
    const last = runs.at(-1);
    if (last !== undefined && last.to === number - 1) last.to = number;
    else runs.push({ from: number, to: number });
  }
  return runs.map(({ from, to }) => (from === to ? `c${from}` : `c${from}.c${to}`)).join(',');
}

function wrong(problem: string): SelinuxRangeResult {
  return { ok: false, problem };
}
