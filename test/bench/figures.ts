/** One line a figure, for people or for machines. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 'MB' | 'KB' | 's' | '%';
  /** The system's own tools in the same run; null where there is nothing to compare with. */
  readonly floor: number | null;
  /** Median of the rounds' ratios, not the ratio of the medians. */
  readonly ratio: number | null;
  /** Limit on the value, or on the ratio if there is a floor; null: shown for comparison alone. */
  readonly goal: number | null;
}

/** Digits behind the point, where it is not enough that only numbers below ten have one. */
const DIGITS: Partial<Record<Figure['unit'], number>> = { s: 3, '%': 1 };

export function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Rounds beside the system's tools, in milliseconds. A goal for the ratio says nothing of rounds in which the machine lacked the tools. */
export function compared(
  name: string,
  rounds: readonly { readonly ours: number; readonly floor: number | null }[],
  goal: number | null,
): Figure {
  const value = median(rounds.map(({ ours }) => ours));
  const pairs = rounds.flatMap(({ ours, floor }) => (floor === null ? [] : [{ ours, floor }]));
  if (pairs.length === 0) return { name, value, unit: 'ms', floor: null, ratio: null, goal: null };
  return {
    name,
    value,
    unit: 'ms',
    floor: median(pairs.map(({ floor }) => floor)),
    ratio: median(pairs.map(({ ours, floor }) => ours / floor)),
    goal,
  };
}

export function show(figure: Figure, asJson: boolean): string {
  if (asJson) return `${JSON.stringify(figure)}\n`;
  const { name, value, unit, floor, ratio, goal } = figure;
  const number = (amount: number) =>
    amount.toFixed(amount < 10 ? (DIGITS[unit] ?? 1) : (DIGITS[unit] ?? 0)).padStart(7);
  const beside = floor === null ? '' : `   system ${number(floor)} ${unit}   ratio ${ratio?.toFixed(2)}`;
  const measured = ratio ?? value;
  const verdict = goal === null ? '' : `   goal ${goal}${measured <= goal ? '' : '  MISSED'}`;
  return `${name.padEnd(64)} ${number(value)} ${unit}${beside}${verdict}\n`;
}
