import { createPrinter } from '../system/printable.ts';
import type { OwnText } from './own-text.ts';

/**
 * Where a command's words go. No terminal and no build server obeys them, whatever they hold. Only line breaks that a command makes itself
 * begin a line: the words may be a server's, a bundle's or a host's.
 */
export interface Output {
  /** Writes one line, or the beginning of one. The break at its end is the command's own; every other, and a tab, is shown as an escape. */
  write(line: string): void;
  /** Writes lines, each with a break behind it; a break or a tab inside of one is shown as an escape. */
  writeLines(lines: readonly string[]): void;
  /** Writes a text, or a piece of one, whose line breaks belong to it: help, a log, a file. */
  writeText(text: string): void;
  /** Writes what is meant to be obeyed. */
  writeOwn(text: OwnText): void;
  /** Whether a person is looking: colours and moving lines are for them only. */
  readonly isTerminal: boolean;
  readonly columns: number;
}

/** Receiver of an output's text. */
export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
  readonly columns: number;
}

export function createOutput(sink: Sink): Output {
  let print = createPrinter();
  const write = (line: string) => {
    const isWhole = line.endsWith('\n');
    sink.write(print(`${onOneLine(isWhole ? line.slice(0, -1) : line)}${isWhole ? '\n' : ''}`));
  };
  return {
    write,
    writeLines: (lines) => {
      for (const line of lines) sink.write(print(`${onOneLine(line)}\n`));
    },
    writeText: (text) => sink.write(print(text)),
    writeOwn(text) {
      sink.write(text);
      // The cursor is somewhere else now, or a line of its own has ended.
      print = createPrinter();
    },
    get isTerminal() {
      return sink.isTerminal;
    },
    get columns() {
      return sink.columns;
    },
  };
}

function onOneLine(text: string): string {
  return text.replaceAll('\n', '\\u000a').replaceAll('\t', '\\u0009');
}
