/** Text of XML documents that this side writes. Pure. */

/** A text between tags. Characters that XML 1.0 cannot hold become U+FFFD; readers would take a bare carriage return for a line feed. */
export function escapeXml(text: string): string {
  return text
    .replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd');
}

/** Elements with texts, in order; those whose value is null are left out. */
export function elements(values: Readonly<Record<string, string | number | boolean | null>>): string {
  return Object.entries(values)
    .flatMap(([name, value]) => (value === null ? [] : [`<${name}>${escapeXml(String(value))}</${name}>`]))
    .join('');
}
