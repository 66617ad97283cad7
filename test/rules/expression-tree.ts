/** Reads a regular expression into a tree, as far as its loops and letters are concerned. Pure. */

export type ExpressionNode =
  /** One character: a literal, an escape, a class or the dot, as it is written. */
  | { readonly kind: 'letter'; readonly source: string }
  | { readonly kind: 'sequence'; readonly parts: readonly ExpressionNode[] }
  | { readonly kind: 'choice'; readonly options: readonly ExpressionNode[] }
  | { readonly kind: 'loop'; readonly body: ExpressionNode; readonly least: number; readonly most: number }
  /** Takes no character, or none that is known: an anchor, what is looked at ahead or behind, a reference back. */
  | { readonly kind: 'assertion'; readonly body: ExpressionNode | null };

const ESCAPE = /\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|u\{[0-9a-f]+\}|[pP]\{[^}]*\}|c[a-z]|[\s\S])/iy;
const GROUP = /\((?:\?(?:[:=!]|<[=!]|<\w+>))?/y;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y;

/** References back count as empty, which they can be. */
export function readExpression({ source }: RegExp): ExpressionNode {
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    at += match?.[0].length ?? 0;
    return match;
  };

  function choice(): ExpressionNode {
    const options = [sequence()];
    while (source[at] === '|') {
      at += 1;
      options.push(sequence());
    }
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'choice', options };
  }

  function sequence(): ExpressionNode {
    const parts: ExpressionNode[] = [];
    while (at < source.length && source[at] !== '|' && source[at] !== ')') parts.push(quantified(single()));
    return { kind: 'sequence', parts };
  }

  function quantified(body: ExpressionNode): ExpressionNode {
    const match = take(QUANTIFIER);
    if (match === null) return body;
    const [, sign, exactly = '', comma, upTo = ''] = match;
    if (sign !== undefined)
      return { kind: 'loop', body, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity };
    const least = Number(exactly);
    return { kind: 'loop', body, least, most: comma === '' ? least : upTo === '' ? Infinity : Number(upTo) };
  }

  function single(): ExpressionNode {
    const group = take(GROUP);
    if (group !== null) {
      const body = choice();
      at += 1;
      return /[=!]$/.test(group[0]) ? { kind: 'assertion', body } : body;
    }
    const begin = at;
    if (source[at] === '[') {
      at += 1;
      while (source[at] !== ']') if (take(ESCAPE) === null) at += 1;
      at += 1;
    } else if (take(ESCAPE) === null) {
      at += 1;
    }
    const letter = source.slice(begin, at);
    return /^(?:[\^$]|\\[bB1-9])$/.test(letter)
      ? { kind: 'assertion', body: null }
      : { kind: 'letter', source: letter };
  }

  return choice();
}
