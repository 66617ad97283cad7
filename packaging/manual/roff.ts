/** Text for `man`: the few requests of man(7) that our pages need. Pure. */

export interface Page {
  /** `slipway-deploy`. */
  readonly name: string;
  readonly section: number;
  /** Subject of the page, in a line: `apropos` shows it. */
  readonly summary: string;
  readonly body: readonly string[];
}

/** `slipway-deploy.1`. */
export function fileOf(page: Page): string {
  return `${page.name}.${page.section}`;
}

/** @param version what the foot of the page says, `slipway 0.1.0` */
export function renderPage(page: Page, version: string): string {
  const title = `.TH ${quoted(page.name.toUpperCase())} ${page.section} "" ${quoted(version)} ${quoted('Slipway')}`;
  // Hyphens that are typed must stay what they are, and a long flag must not be broken over two lines.
  const head = [title, '.nh', '.ad l', '.SH NAME', `${escaped(page.name)} \\- ${escaped(page.summary)}`];
  return `${[...head, ...page.body].join('\n')}\n`;
}

export function section(title: string, ...lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`.SH ${quoted(title.toUpperCase())}`, ...lines];
}

/** A term and what it means. */
export function entry(term: string, ...meaning: readonly string[]): string[] {
  return ['.TP', bold(term), ...meaning.map(escaped)];
}

export function paragraph(text: string): string[] {
  return ['.PP', escaped(text)];
}

/** Lines that stay as they are. */
export function verbatim(text: string): string[] {
  return ['.PP', '.RS 4', '.nf', ...text.trimEnd().split('\n').map(escaped), '.fi', '.RE'];
}

export function bold(text: string): string {
  return `\\fB${inline(text)}\\fR`;
}

/** A line of text. A dot or quote at its beginning would be a request; an empty line would be a break. */
export function escaped(text: string): string {
  const line = inline(text);
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

function inline(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('“', '\\(lq')
    .replaceAll('”', '\\(rq')
    .replaceAll('–', '\\(en');
}

function quoted(text: string): string {
  return `"${inline(text).replaceAll('"', '""')}"`;
}
