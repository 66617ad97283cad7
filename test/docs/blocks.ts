/** Code blocks of a page in Markdown, and the commands in them. Pure. */

export interface Block {
  /** Word behind the fence, such as `sh`. */
  readonly language: string;
  /** Line of its first line in the page, from 1. */
  readonly line: number;
  readonly text: string;
}

export interface Command {
  readonly line: number;
  /** One line of a shell, without the comment at its end; a continued line is joined. */
  readonly text: string;
}

const FENCE = /^(?<indent> *)```(?<language>\w*)$/u;
/** Comment at the end of a line. A `#` inside of a word or of quotes has no blank before it in these pages. */
const COMMENT = /(?:^|\s+)#.*$/u;

export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: {
    readonly indent: string;
    readonly language: string;
    readonly line: number;
    readonly lines: string[];
  } | null = null;
  for (const [index, line] of page.split('\n').entries()) {
    const fence = FENCE.exec(line)?.groups;
    if (open === null) {
      if (fence !== undefined) {
        open = { indent: fence['indent'] ?? '', language: fence['language'] ?? '', line: index + 2, lines: [] };
      }
    } else if (fence === undefined) open.lines.push(line.slice(open.indent.length));
    else {
      blocks.push({ language: open.language, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = null;
    }
  }
  return blocks;
}

/** Commands that a page tells people to type, one after the other. */
export function commandsOf(page: string): readonly Command[] {
  return blocksOf(page)
    .filter(({ language }) => language === 'sh')
    .flatMap(commandsOfBlock);
}

function commandsOfBlock({ line: first, text }: Block): readonly Command[] {
  const commands: Command[] = [];
  let begun: Command | null = null;
  for (const [index, whole] of text.split('\n').entries()) {
    const said = begun === null ? whole.replace(COMMENT, '') : whole.trim();
    const line: number = begun?.line ?? first + index;
    const joined: string = begun === null ? said : `${begun.text} ${said}`;
    if (joined.endsWith('\\')) begun = { line, text: joined.slice(0, -1).trimEnd() };
    else {
      if (joined.trim() !== '') commands.push({ line, text: joined.trim() });
      begun = null;
    }
  }
  return commands;
}
