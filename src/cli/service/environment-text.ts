/** A file of variables as systemd reads it (EnvironmentFile=). Pure. */

export interface EnvironmentText {
  /** `NAME=value`, in the file's order: of two with one name the later one counts. */
  readonly assignments: readonly string[];
  /** Names that systemd does not take, such as `export NAME`: their lines do not count. */
  readonly ignored: readonly string[];
}

/** Characters that a backslash escapes between double quotes; before any other character it is an ordinary one. */
const ESCAPED_IN_QUOTES = '"\\`$';

/**
 * Reads a file of variables. Comments begin with `#` or `;`. Values may be quoted as a whole or in parts, go on in the next line after a
 * backslash, and lose the blanks around them.
 *
 * @see systemd.exec(5), EnvironmentFile=, and systemd's `src/basic/env-file.c`
 */
export function parseEnvironmentText(text: string): EnvironmentText {
  const assignments: string[] = [];
  const ignored: string[] = [];
  const reader = { text, at: 0 };
  while (reader.at < text.length) {
    const first = text.charAt(reader.at);
    if (/\s/.test(first)) reader.at += 1;
    else if (first === '#' || first === ';') reader.at = endOfLine(text, reader.at);
    else {
      const end = endOfLine(text, reader.at);
      const equals = text.indexOf('=', reader.at);
      if (equals < 0 || equals > end) {
        reader.at = end;
        continue;
      }
      const name = text.slice(reader.at, equals).trimEnd();
      reader.at = equals + 1;
      const value = readValue(reader);
      if (/^[A-Za-z_]\w*$/.test(name)) assignments.push(`${name}=${value}`);
      else ignored.push(name);
    }
  }
  return { assignments, ignored };
}

interface Reader {
  readonly text: string;
  at: number;
}

function readValue(reader: Reader): string {
  let value = '';
  /** Where the blanks begin that do not count unless something follows them. */
  let kept = 0;
  let isBare = false;
  for (; reader.at < reader.text.length; reader.at += 1) {
    const letter = reader.text.charAt(reader.at);
    if (letter === '\n') break;
    if (letter === '\\') {
      reader.at += 1;
      const next = reader.text.charAt(reader.at);
      if (next !== '\n') value += next;
      isBare = true;
      kept = value.length;
    } else if (!isBare && (letter === '"' || letter === "'")) {
      value = value.slice(0, kept) + readQuoted(reader, letter);
      kept = value.length;
    } else {
      if (!isBare && /\s/.test(letter)) continue;
      isBare = true;
      value += letter;
      if (!/\s/.test(letter)) kept = value.length;
    }
  }
  return value.slice(0, kept);
}

/** From one quote to the other; a quote that is never closed takes the rest of the file. */
function readQuoted(reader: Reader, quote: string): string {
  let value = '';
  for (reader.at += 1; reader.at < reader.text.length; reader.at += 1) {
    const letter = reader.text.charAt(reader.at);
    if (letter === quote) break;
    if (quote === '"' && letter === '\\') {
      reader.at += 1;
      const next = reader.text.charAt(reader.at);
      if (next !== '\n') value += ESCAPED_IN_QUOTES.includes(next) ? next : `\\${next}`;
    } else value += letter;
  }
  return value;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}
