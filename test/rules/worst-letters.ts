/** Looks for texts that a regular expression takes long for, and measures how its time grows with them. */
import { createContext, runInContext } from 'node:vm';
import { type ExpressionNode, readExpression } from './expression-tree.ts';

/** A text of any length: how it begins, what it repeats, how it ends. */
interface Candidate {
  readonly begin: string;
  readonly piece: string;
  readonly end: string;
}

export interface SlowText extends Candidate {
  /** For which length, in letters. */
  readonly letters: number;
  readonly tookMs: number;
}

/** Loops that take fewer are not worth looking at. */
const SHORT_LOOP = 8;
/** Exponential and cubic time show at one of these before they take for ever at the next. */
const FEW_PIECES = [20, 24, 30, 36, 45, 60, 80, 110, 150, 200, 270, 400];
/** Quadratic time shows at this length. */
const SCREENING_LETTERS = 6_000;
/** Linear time is a fiftieth of this even for the longest. */
const SUSPICIOUS_MS = 1;
/** A few letters never take this long in linear time. */
const SURELY_SLOW_MS = 5;
/** A linear expression needs about 1 ms; a quadratic one seconds. */
const LIMIT_MS = 400;
/** Time that doubles with the length may be off by this on a machine that does other things. */
const MOST_GROWTH = 3;
/** Less than this says nothing about growth. */
const LEAST_TELLING_MS = 30;
/** Long ones take so long that chance has no part in it, and cost more. */
const TRIES = { short: 5, long: 2 };
const MOST_LETTERS_OF_AN_EXPRESSION = 14;
const LETTERS_IN_PAIRS = 8;

/** @returns a text that the expression takes longer for than linear time allows; null: none was found */
export function slowTextFor(expression: RegExp): SlowText | null {
  let worst: Candidate | null = null;
  let worstMs = 0;
  for (const candidate of candidatesFor(expression)) {
    const lengths = FEW_PIECES.map((pieces) => pieces * candidate.piece.length);
    for (const letters of lengths.filter((length) => length < SCREENING_LETTERS)) {
      const tookMs = shortestMs(expression, textOf(candidate, letters), SUSPICIOUS_MS);
      if (tookMs > SURELY_SLOW_MS) return { ...candidate, letters, tookMs };
    }
    const tookMs = shortestMs(expression, textOf(candidate, SCREENING_LETTERS), SUSPICIOUS_MS);
    if (tookMs > worstMs) {
      worstMs = tookMs;
      worst = candidate;
      const slow = tookMs > SUSPICIOUS_MS ? slowFor(expression, candidate) : null;
      if (slow !== null) return slow;
    }
  }
  return worst === null ? null : slowFor(expression, worst);
}

/** Measures 50 KB and 100 KB. */
function slowFor(expression: RegExp, candidate: Candidate): SlowText | null {
  const halfMs = shortestMs(expression, textOf(candidate, 50_000), LIMIT_MS);
  if (halfMs > LIMIT_MS) return { ...candidate, letters: 50_000, tookMs: halfMs };
  const tookMs = shortestMs(expression, textOf(candidate, 100_000), LEAST_TELLING_MS);
  const isTooLong = tookMs > LIMIT_MS || (tookMs > LEAST_TELLING_MS && tookMs > MOST_GROWTH * halfMs);
  return isTooLong ? { ...candidate, letters: 100_000, tookMs } : null;
}

function textOf({ begin, piece, end }: Candidate, letters: number): string {
  // Joined up, so that the first search does not pay for it.
  return Buffer.from(begin + piece.repeat(Math.ceil(letters / piece.length)) + end, 'utf16le').toString('utf16le');
}

/** The best of some tries. @param enoughMs a try below this is not repeated */
function shortestMs(expression: RegExp, text: string, enoughMs: number): number {
  let shortest = Number.POSITIVE_INFINITY;
  const tries = text.length > 2 * SCREENING_LETTERS ? TRIES.long : TRIES.short;
  for (let attempt = 0; attempt < tries && shortest > enoughMs; attempt += 1) {
    shortest = Math.min(shortest, searchMs(expression, text));
  }
  return shortest;
}

/**
 * Time that this thread has worked, in milliseconds, to some 4 ms: on a busy machine it stands still for longer than a search takes. Short
 * searches go by the clock, and by the best of their tries.
 */
function workedMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

const sandbox = createContext({ workedMs });
const search = runInContext(
  '(expression, text, now) => { const began = now(); expression.lastIndex = 0; expression.exec(text); if (expression.global) text.replace(expression, ""); return now() - began; }',
  sandbox,
) as (expression: RegExp, text: string, now: () => number) => number;

function searchMs(expression: RegExp, text: string): number {
  if (text.length < 10_000) return search(expression, text, () => performance.now());
  Object.assign(sandbox, { search, expression, text });
  try {
    return runInContext('search(expression, text, workedMs)', sandbox, { timeout: 2 * LIMIT_MS }) as number;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function candidatesFor(expression: RegExp): Candidate[] {
  const loops = loopsIn(readExpression(expression));
  if (loops.length === 0) return [];
  const tree = readExpression(expression);
  const letters = lettersOf(expression, tree);
  const sample = sampler(letters, expression);
  const begins = new Set(['']);
  const pieces = new Set<string>([sample(tree)]);
  for (const { before, body } of loops) {
    const begin = before.map(sample).join('');
    begins.add(begin).add(begin.slice(-1));
    for (const one of [begin, sample(body), ...optionsOf(body).map(sample)]) pieces.add(one);
  }
  for (const letter of letters) pieces.add(letter);
  const paired = letters.slice(0, LETTERS_IN_PAIRS);
  for (const letter of paired) for (const other of paired) if (letter !== other) pieces.add(letter + other);
  pieces.delete('');
  const ends = ['', '\n', '\u0001', '\nx\nx'];
  return [...begins].flatMap((begin) =>
    [...pieces].flatMap((piece) => ends.map((end): Candidate => ({ begin, piece, end }))),
  );
}

interface Loop {
  readonly before: readonly ExpressionNode[];
  readonly body: ExpressionNode;
}

function loopsIn(node: ExpressionNode, before: readonly ExpressionNode[] = []): Loop[] {
  switch (node.kind) {
    case 'letter':
      return [];
    case 'sequence':
      return node.parts.flatMap((part, index) => loopsIn(part, [...before, ...node.parts.slice(0, index)]));
    case 'choice':
      return node.options.flatMap((option) => loopsIn(option, before));
    case 'assertion':
      return node.body === null ? [] : loopsIn(node.body, before);
    case 'loop': {
      const inner = loopsIn(node.body, before);
      return node.most > SHORT_LOOP ? [{ before, body: node.body }, ...inner] : inner;
    }
  }
}

function optionsOf(node: ExpressionNode): readonly ExpressionNode[] {
  if (node.kind === 'choice') return node.options;
  return node.kind === 'sequence' ? node.parts.flatMap(optionsOf) : [];
}

/** One character of each kind that the expression tells apart. */
function lettersOf(expression: RegExp, tree: ExpressionNode): string[] {
  const atoms = [...new Set(atomsOf(tree))].map((source) => oneLetter(source, expression));
  const byKind = new Map<string, string>();
  for (const letter of ALPHABET) {
    const kind = atoms.map((atom) => (atom.test(letter) ? '1' : '0')).join('');
    if (!byKind.has(kind)) byKind.set(kind, letter);
  }
  const [...kinds] = byKind.entries();
  // Those that most parts take come first: where parts overlap, time is lost.
  const overlaps = (kind: string) => kind.replaceAll('0', '').length;
  return kinds
    .sort(([a], [b]) => overlaps(b) - overlaps(a))
    .slice(0, MOST_LETTERS_OF_AN_EXPRESSION)
    .map(([, letter]) => letter);
}

const ALPHABET = [
  ...Array.from({ length: 26 }, (_, index) => String.fromCharCode(97 + index)),
  ...Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)),
  ...['\x80', '\x9b', '\xa0', 'é', '\u200b', '\u2028', '\ud800', '\udc00', '\ufeff', '\ufffd'],
];

function atomsOf(node: ExpressionNode): string[] {
  switch (node.kind) {
    case 'letter':
      return [node.source];
    case 'sequence':
      return node.parts.flatMap(atomsOf);
    case 'choice':
      return node.options.flatMap(atomsOf);
    case 'loop':
      return atomsOf(node.body);
    case 'assertion':
      return node.body === null ? [] : atomsOf(node.body);
  }
}

function oneLetter(source: string, { flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace(/[gy]/g, ''));
}

/** Words that a part of the expression takes; loops run once, or as often as they must. */
function sampler(letters: readonly string[], expression: RegExp): (node: ExpressionNode) => string {
  const sample = (node: ExpressionNode): string => {
    switch (node.kind) {
      case 'letter': {
        const atom = oneLetter(node.source, expression);
        return [...letters, ...ALPHABET].find((letter) => atom.test(letter)) ?? '';
      }
      case 'sequence':
        return node.parts.map(sample).join('');
      case 'choice':
        return node.options.map(sample).find((text) => text !== '') ?? '';
      case 'loop':
        return sample(node.body).repeat(Math.max(1, node.least));
      case 'assertion':
        return '';
    }
  };
  return sample;
}
