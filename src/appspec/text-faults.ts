/** Finds the faults that keep a text from being read as YAML, and limits the further findings. Pure. */
import type { YAMLParseError } from 'yaml';
import type { Finding, Position } from './types.ts';

/** Characters that YAML calls not printable. A file with one is no text, or a text that nobody sees. */
const NOT_PRINTABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]/;

/** @see YAML 1.1, "c-printable"; the official agents' parser refuses the same, also in a comment */
export function controlCharacter(text: string): Finding | null {
  const at = text.search(NOT_PRINTABLE);
  if (at < 0) return null;
  const before = text.slice(0, at).split('\n');
  const position = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  const isNul = text[at] === '\0';
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
  const message = isNul
    ? 'here is the character NUL, as in text that is UTF-16: save the file as UTF-8'
    : `here is the control character U+${code}, which YAML does not allow: remove it`;
  return { severity: 'error', rule: isNul ? 'not-utf8' : 'not-yaml', message, position };
}

/** Drops other findings at a place that cannot be read. */
export function withoutEchoes(findings: readonly Finding[]): Finding[] {
  const place = ({ position }: Finding) => `${position?.line}:${position?.column}`;
  const unread = new Set(findings.filter(({ rule }) => rule === 'not-utf8' || rule === 'not-yaml').map(place));
  return findings.filter((finding) => {
    const isItself = finding.rule === 'not-utf8' || finding.rule === 'not-yaml';
    return isItself || finding.position === null || !unread.has(place(finding));
  });
}

/** The fault of a text that is no YAML: what has caused it, where that can be told, or what the parser says. */
export function syntaxFault(text: string, error: YAMLParseError): Finding {
  const { line = 1, col = 1 } = error.linePos?.[0] ?? {};
  return (
    conflictMark(text) ??
    oddBlank(text, line) ??
    tabInIndentation(error, { line, column: col }) ??
    colonWithoutBlank(text, line) ??
    syntaxError(error)
  );
}

/** Blanks that YAML takes for letters: no-break, typographic and full-width ones, and those without a width. */
const ODD_BLANK = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u2060\u3000\ufeff]/;

/**
 * Finds indentation with other blanks, as in text copied from a web page or a word processor. YAML reports the fault there or further down.
 */
function oddBlank(text: string, upToLine: number): Finding | null {
  const lines = text.split('\n').slice(0, upToLine);
  for (const [index, line] of lines.entries()) {
    const [begin = ''] = /^[\s\u200b\u2060]*(-[\s\u200b\u2060]*)?/.exec(line) ?? [];
    const at = begin.search(ODD_BLANK);
    if (at < 0) continue;
    const code = begin.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0');
    const message = `here is the character U+${code}, which looks like a blank and is none to YAML: write an ordinary blank`;
    return { severity: 'error', rule: 'not-yaml', message, position: { line: index + 1, column: at + 1 } };
  }
  return null;
}

function tabInIndentation({ code }: YAMLParseError, position: Position): Finding | null {
  if (code !== 'TAB_AS_INDENT') return null;
  const message = 'here a tab stands where the line is indented, which YAML does not allow: write blanks';
  return { severity: 'error', rule: 'not-yaml', message, position };
}

/** The line of the fault, or the one before it, whose text goes on there. */
function colonWithoutBlank(text: string, line: number): Finding | null {
  const lines = text.split('\n');
  for (const number of [line, line - 1]) {
    const key = keyWithoutBlank(lines[number - 1] ?? '');
    if (key === null) continue;
    const column = (lines[number - 1] ?? '').indexOf(key) + 1;
    const message = `a blank is missing behind '${key}:', without which this is no key`;
    return { severity: 'error', rule: 'not-yaml', message, position: { line: number, column } };
  }
  return null;
}

/** The key that a text begins with, as YAML would read it with a blank behind its colon; null: it begins with none. */
export function keyWithoutBlank(text: string): string | null {
  return /^\s*(?:- *)?([A-Za-z_]{2,40}):[^\s:/\\]/.exec(text)?.[1] ?? null;
}

function syntaxError(error: YAMLParseError): Finding {
  return {
    severity: 'error',
    rule: 'not-yaml',
    message: firstLine(error.message),
    position: { line: error.linePos?.[0].line ?? 1, column: error.linePos?.[0].col ?? 1 },
  };
}

/** Git leaves such marks where a merge was not finished. */
function conflictMark(text: string): Finding | null {
  const lines = text.split('\n');
  const line = lines.findIndex((one) => /^(<{7}|>{7})( |\r?$)/.test(one));
  if (line < 0 || !lines.some((one) => /^={7}\r?$/.test(one))) return null;
  const message = 'here is the mark of a conflict: finish the merge, and remove the marks';
  return { severity: 'error', rule: 'not-yaml', message, position: { line: line + 1, column: 1 } };
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? text;
}
