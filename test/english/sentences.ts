/** The sentences of a file that people read: those of its comments, its tests' names or, in a page of Markdown, its text. */

export type SentenceKind = 'doc' | 'comment' | 'test name' | 'page';

export interface Sentence {
  readonly kind: SentenceKind;
  /** From 1: where the paragraph of the sentence begins. */
  readonly line: number;
  readonly text: string;
}

interface Paragraph {
  readonly kind: SentenceKind;
  readonly line: number;
  readonly text: string;
}

/** A full stop, question mark or exclamation mark, and behind it a new sentence, which may begin with code: "e.g. this" is none. */
const SENTENCE_END = /(?<=[.?!:](?:["')`]|\*\*)?)\s+(?=["'(`]*[A-Z0-9])|(?<=[^.]\p{L}[.?!]\)?)\s+(?=`)/u;

const COMMENT = /^\s*(?:\/\/|\/\*\*|\*(?!\/))\s?(?<said>.*?)(?:\*\/)?\s*$/u;
const SHELL_COMMENT = /^\s*#(?!!)\s?(?<said>.*)$/u;
const MARK_FOR_TOOLS = /^(?:biome-ignore|@ts-|#!)/u;
/** The name stands behind the call, or behind the cases of `test.each`. */
const TEST_NAME = /^\s*(?:(?:test|it)(?:\.\w+)*|\]\)|\))\((?<quote>['"`])(?<said>.*?)\k<quote>[,)]/u;

/** @param name its ending says how it is read: `.ts`, `.js` and `.sh` have comments, `.md` has text */
export function sentencesOf(name: string, text: string): readonly Sentence[] {
  const paragraphs = name.endsWith('.md')
    ? pageParagraphs(text)
    : [...commentParagraphs(name, text), ...testNames(name, text)];
  return paragraphs.flatMap(({ kind, line, text }) =>
    text
      .split(SENTENCE_END)
      .map((sentence) => sentence.trim())
      .filter((sentence) => /\p{L}{2}/u.test(sentence))
      .map((sentence) => ({ kind, line, text: sentence })),
  );
}

function commentParagraphs(name: string, text: string): Paragraph[] {
  const marks = name.endsWith('.sh') ? SHELL_COMMENT : COMMENT;
  const paragraphs = new Paragraphs();
  for (const [index, line] of text.split('\n').entries()) {
    const said = marks.exec(line)?.groups?.['said']?.trim() ?? '';
    if (said === '' || said === '/' || MARK_FOR_TOOLS.test(said)) {
      paragraphs.close();
      continue;
    }
    const kind = /^\s*(?:\/\*\*|\*)/u.test(line) ? 'doc' : 'comment';
    // A tag begins a paragraph of its own; its name and the parameter's are not part of the sentence.
    if (said.startsWith('@') || /^\s*\/\*\*/u.test(line)) paragraphs.close();
    paragraphs.add(kind, index + 1, said.replace(/^@(?:param|throws)\s+\S+\s*|^@\w+\s*/u, ''));
  }
  return paragraphs.end();
}

function testNames(name: string, text: string): Paragraph[] {
  if (!name.endsWith('.test.ts')) return [];
  return text.split('\n').flatMap((line, index): Paragraph[] => {
    const said = TEST_NAME.exec(line)?.groups?.['said'];
    return said === undefined ? [] : [{ kind: 'test name', line: index + 1, text: said }];
  });
}

/** Reads text only. Code, tables and headings are no sentences, and a generated part comes from the program. */
function pageParagraphs(text: string): Paragraph[] {
  const paragraphs = new Paragraphs();
  let isCode = false;
  let isGenerated = false;
  for (const [index, line] of text.split('\n').entries()) {
    const said = line.trim();
    const isFence = /^(?:```|~~~)/u.test(said);
    if (isFence) isCode = !isCode;
    if (said.startsWith('<!-- generated:')) isGenerated = true;
    if (said.startsWith('<!-- end:')) isGenerated = false;
    const isText = !isFence && !isCode && !isGenerated && said !== '' && !/^(?:#|\||<|>|!\[)/u.test(said);
    const item = /^(?:[-*+]|\d+\.)\s+/u.exec(said);
    if (!isText || item !== null) paragraphs.close();
    if (isText) paragraphs.add('page', index + 1, said.slice(item?.[0].length ?? 0));
  }
  return paragraphs.end();
}

/** Puts lines that follow each other into one paragraph. */
class Paragraphs {
  readonly #done: Paragraph[] = [];
  #open: { readonly kind: SentenceKind; readonly line: number; readonly parts: string[] } | null = null;

  add(kind: SentenceKind, line: number, text: string): void {
    if (this.#open?.kind !== kind) this.close();
    this.#open ??= { kind, line, parts: [] };
    this.#open.parts.push(text);
  }

  close(): void {
    if (this.#open !== null) {
      const { kind, line, parts } = this.#open;
      this.#done.push({ kind, line, text: parts.join(' ') });
    }
    this.#open = null;
  }

  end(): Paragraph[] {
    this.close();
    return this.#done;
  }
}
