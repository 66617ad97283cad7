/** Rows for a spreadsheet, as RFC 4180 has them. Pure. */

/** @returns lines; breaks in a cell are shown as blanks, since a line is a row here */
export function renderCsv(rows: readonly (readonly string[])[]): string[] {
  return rows.map((row) => row.map(cell).join(','));
}

/** Spreadsheets run what begins like a formula; an apostrophe makes it a text. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  const line = safe.replace(/[\r\n]+/g, ' ');
  return /[",]|^\s|\s$/.test(line) ? `"${line.replaceAll('"', '""')}"` : line;
}
