/**
 * A text from outside (an answer of a webhook, a script, an alarm) as every database keeps it: PostgreSQL refuses a NUL, and with it all that the
 * transaction was to write.
 */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}
