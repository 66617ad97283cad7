/** Rows for a spreadsheet, as RFC 4180 has them. Pure. */

/** @returns lines; breaks in a cell are shown as blanks, since a line is a row here */
export function renderCsv(rows: readonly (readonly string[])[]): string[] {
  return rows.map((row) => row.map(cell).join(','));
}

/** Letters that begin a formula in one spreadsheet or another, also in full width, and blanks that some take away before they look. */
const FORMULA = /^[\s\p{C}]*[=+\-@\uff1d\uff0b\uff0d\uff20]/u;

/** Spreadsheets run what begins like a formula, also text that came from a host or a build; an apostrophe makes it a text. */
function cell(text: string): string {
  const line = text.replace(/[\r\n]+/g, ' ');
  const safe = FORMULA.test(line) ? `'${line}` : line;
  // Some spreadsheets take a semicolon or a tab for the border of a cell, and what is behind it for a cell of its own.
  return /[",;\t]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
