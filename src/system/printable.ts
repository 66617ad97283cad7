/**
 * Text of strangers, made fit for terminals, logs and build servers. Pure.
 *
 * Control characters, bidirectional controls, line separators, invisible characters and lone surrogates become `\uXXXX`. A reader sees
 * them, and a terminal does not obey them. JSON stays the same JSON, because they can stand only inside its texts. Commands to a build
 * server are broken in the same way, at one of their characters. They are `::` at the beginning of a line (GitHub), and `##[`, `##vso[`,
 * `##teamcity[` anywhere in it.
 *
 * @see https://github.com/actions/runner, ActionCommand.cs: leading blanks count for nothing before `::`; `##[` is found anywhere
 */

/** All but the line break and the two variation selectors that choose between an emoji and a plain sign. */
const UNSAFE = /(?!\n|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** No order of a build server has a longer name before its bracket. */
const ORDER = /##(\w{0,16})\[/g;
const ORDER_LENGTH = 20;
const TAB_WIDTH = 8;

/** A text on one line, whatever it holds: line breaks and tabs are shown as escapes, too. */
export function printable(text: string): string {
  return createPrinter()(escapeUnsafe(text).replaceAll('\n', '\\u000a'));
}

/** A text of several lines. A line break of Windows becomes a plain one, and a tab becomes blanks. */
export function printableLines(text: string): string {
  return createPrinter()(text);
}

/** The escapes alone: tabs included, line breaks left. */
export function escapeUnsafe(text: string): string {
  return text.replace(UNSAFE, (character) => {
    let escaped = '';
    for (let index = 0; index < character.length; index += 1) {
      escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
    }
    return escaped;
  });
}

/**
 * As `printableLines`, for a text that comes in pieces: what one piece begins and the next one ends is found as well.
 *
 * @returns what to write for each piece
 */
export function createPrinter(): (text: string) => string {
  /** Relevant content of the line so far: only blanks, blanks and a colon, or text. */
  let begun: 'blank' | 'colon' | 'text' = 'blank';
  let column = 0;
  let end = '';
  const printPiece = (piece: string): string => {
    let shown = expandTabs(escapeTabless(piece), column);
    column += shown.length;
    const before = end;
    shown = (before + shown).replace(ORDER, '##$1\\u005b').slice(before.length);
    if (begun !== 'text') {
      const blanks = begun === 'blank' ? shown.length - shown.trimStart().length : 0;
      const rest = `${begun === 'colon' ? ':' : ''}${shown.slice(blanks)}`;
      if (rest.startsWith('::')) {
        const secondColon = blanks + (begun === 'colon' ? 0 : 1);
        shown = `${shown.slice(0, secondColon)}\\u003a${shown.slice(secondColon + 1)}`;
      }
      begun = rest === '' ? 'blank' : rest === ':' ? 'colon' : 'text';
    }
    end = (before + shown).slice(-ORDER_LENGTH);
    return shown;
  };
  return (text) =>
    text
      .replaceAll('\r\n', '\n')
      .split('\n')
      .map((piece, index) => {
        if (index > 0) {
          begun = 'blank';
          column = 0;
          end = '';
        }
        return printPiece(piece);
      })
      .join('\n');
}

function escapeTabless(piece: string): string {
  return piece.includes('\t') ? piece.split('\t').map(escapeUnsafe).join('\t') : escapeUnsafe(piece);
}

function expandTabs(piece: string, column: number): string {
  const [first = '', ...rest] = piece.split('\t');
  let width = column + first.length;
  let shown = first;
  for (const part of rest) {
    const blanks = TAB_WIDTH - (width % TAB_WIDTH);
    width += blanks + part.length;
    shown += ' '.repeat(blanks) + part;
  }
  return shown;
}

/** A string of the terminal (a title, a link) with its end; what follows CSI; any shorter sequence. */
const TERMINAL_SEQUENCE =
  /(?:\x1b[\]P_^X]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90-\x9f]*(?:\x07|\x1b\\|\x9c)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-~]/g;

/** Takes colours, cursor movements, titles and links away, for logs in which nobody wants to see them. */
export function withoutTerminalSequences(text: string): string {
  return text.replace(TERMINAL_SEQUENCE, '');
}
