/** The text of an AppSpec file as a YAML tree, whichever platform it is for. Pure. */
import { type Document, LineCounter, parseDocument, visit } from 'yaml';
import { MAX_CHARACTERS } from './limits.ts';
import { inOrder } from './order.ts';
import { createCollector, type FindingCollector, isEmpty, type YamlNode } from './reader.ts';
import type { LintRuleId } from './rules.ts';
import { controlCharacter, syntaxFault, withoutEchoes } from './text-faults.ts';
import type { Finding, Places } from './types.ts';

/** Character that decoding leaves in place of bytes that are no character. */
const NOT_UTF8 = '\ufffd';

export interface DocumentOptions {
  /** For messages about the file as a whole. */
  readonly filename: string;
  /** Keys that an empty file lacks, for a message: `'version: 0.0' and 'os: linux'`. */
  readonly least: string;
}

export interface DocumentReading<Content> extends Places {
  /** Result of `read` on the tree; null: there is no tree, or it makes no sense. */
  readonly content: Content | null;
  /** In the order of the text. */
  readonly findings: readonly Finding[];
}

/** Hands the tree of a text, YAML or JSON, to `read`. Never throws for what is in the text: every problem is a finding. */
export function readDocumentText<Content>(
  text: string,
  options: DocumentOptions,
  read: (collector: FindingCollector, root: YamlNode | null) => Content | null,
): DocumentReading<Content> {
  if (text.length > MAX_CHARACTERS) {
    const message = `${options.filename} has more than ${MAX_CHARACTERS} characters, which is the limit`;
    return unreadable([wholeFile('too-large', message)]);
  }
  const control = controlCharacter(text);
  if (control !== null) return unreadable([control]);
  try {
    return readTree(text.replace(/^\uFEFF/, ''), options, read);
  } catch (error) {
    // The stack of calls that a text nested a hundred thousand deep needs.
    if (!(error instanceof RangeError)) throw error;
    return unreadable([wholeFile('not-yaml', `${options.filename} is nested too deeply`)]);
  }
}

function readTree<Content>(
  text: string,
  options: DocumentOptions,
  read: (collector: FindingCollector, root: YamlNode | null) => Content | null,
): DocumentReading<Content> {
  const lines = new LineCounter();
  // YAML 1.1 is what the official agents' files were written for. That keys are unique is seen by the reader, in less time.
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.1',
    uniqueKeys: false,
    merge: true,
    // Less, and a second document would vanish unseen; more, and the library prints.
    logLevel: 'error',
    keepSourceTokens: false,
  });
  const root = document.contents as YamlNode | null;
  const [fault] = document.errors.filter(({ code }) => code !== 'MULTIPLE_DOCS');
  if (fault !== undefined) return unreadable([syntaxFault(text, fault)]);
  if (isEmpty(root)) {
    return unreadable([wholeFile('empty', `${options.filename} is empty; it needs at least ${options.least}`)]);
  }
  const collector = createCollector(document, lines);
  if (text.includes(NOT_UTF8)) reportBadText(collector, document);
  const content = read(collector, root);
  const findings = [...withoutEchoes(collector.findings), ...secondDocument(document, text)];
  return { content, findings: inOrder(findings), placeOf: collector.placeOf };
}

/** In keys and values; what a comment is written in harms nobody. */
function reportBadText(collector: FindingCollector, document: Document.Parsed): void {
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value !== 'string' || !node.value.includes(NOT_UTF8)) return;
      collector.report('not-utf8', node as YamlNode, 'this holds bytes that are not UTF-8: save the file as UTF-8');
    },
  });
}

function unreadable(findings: readonly Finding[]): DocumentReading<never> {
  return { content: null, findings, placeOf: () => null };
}

function wholeFile(rule: LintRuleId, message: string): Finding {
  return { severity: 'error', rule, message, position: null };
}

/** The first alone: what the parser makes of the rest is a consequence more often than a fault of its own. */
function secondDocument(document: Document.Parsed, text: string): Finding[] {
  const end = document.errors.find(({ code }) => code === 'MULTIPLE_DOCS');
  if (end === undefined) return [];
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length;
  // The place is where the document's content begins; its mark stands before that.
  const mark = text.lastIndexOf('\n---', end.pos[0]) + 1;
  const isEmpty = text
    .slice(mark)
    .split(/\r?\n/)
    .every((line) => /^(---|\.\.\.)?\s*(#.*)?$/.test(line));
  const message = isEmpty
    ? 'the mark --- begins a second YAML document, which is empty: remove the mark'
    : 'a second YAML document begins here, and only the first one counts: remove it, or the mark --- before it';
  const severity = isEmpty ? 'warning' : 'error';
  return [{ severity, rule: 'second-document', message, position: { line: lineOf(mark), column: 1 } }];
}
