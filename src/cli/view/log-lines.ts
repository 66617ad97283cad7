/** How `slipway logs` shows a log: as it is, or each line of it as one JSON object. */
import type { CliContext } from '../context.ts';
import type { ResultOptions } from './result.ts';

export interface LogView {
  /** Shows a piece of the log, which may end within a line. */
  show(text: string): void;
  /** Shows a whole line; a break inside of it is a stranger's. */
  line(text: string): void;
  /** Shows the beginning of a line whose end will not come. */
  end(): void;
}

/** @param source what `--json` names beside each line: the file's path, or the unit whose journal it is */
export function logView({ stdout }: Pick<CliContext, 'stdout'>, { json }: ResultOptions, source: string): LogView {
  if (json !== true) {
    return { show: (text) => stdout.writeText(text), line: (text) => stdout.writeLines([text]), end: () => undefined };
  }
  const print = (line: string) => stdout.writeLines([JSON.stringify({ source, line })]);
  let begun = '';
  return {
    show(text) {
      const lines = `${begun}${text}`.split('\n');
      begun = lines.pop() ?? '';
      for (const line of lines) print(line);
    },
    line: print,
    end() {
      if (begun !== '') print(begun);
      begun = '';
    },
  };
}
