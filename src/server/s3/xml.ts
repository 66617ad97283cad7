/** XML from strangers, read by a parser with limits, and the text of our own. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { S3Error } from './s3-error.ts';

export { elements } from '../../protocol/xml-text.ts';

/** An element: its text, and its children by name. Attributes do not count. */
export interface XmlElement {
  readonly text: string;
  readonly children: ReadonlyMap<string, readonly XmlElement[]>;
}

/** Enough for the list of 10 000 parts with checksums, as are the tags. */
export const MAX_XML_BYTES = 2 * 1024 * 1024;
const MAX_TAGS = 100_000;
const MAX_DEPTH = 16;

/**
 * Reads a document. Entities are not expanded, but for the five of XML and references by number; a DOCTYPE is refused.
 *
 * @param root the name that the document's element must have
 * @throws S3Error MalformedXML
 */
export function readXml(text: string, root: string): XmlElement {
  if (text.includes('<!')) throw malformed('it has a declaration, a comment or CDATA, which no request needs');
  if (text.split('<', MAX_TAGS + 2).length > MAX_TAGS + 1) throw malformed(`it has more than ${MAX_TAGS} tags`);
  const validity = XMLValidator.validate(text);
  if (validity !== true) throw malformed(`line ${validity.err.line}: ${validity.err.msg}`);
  const parser = new XMLParser({
    preserveOrder: true,
    processEntities: false,
    ignoreAttributes: true,
    parseTagValue: false,
    trimValues: true,
    removeNSPrefix: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
  });
  const nodes: unknown = parser.parse(text);
  const element = elementOf(Array.isArray(nodes) ? nodes : [], 0);
  const [found, ...others] = element.children.get(root) ?? [];
  if (found === undefined || others.length > 0 || element.children.size !== 1)
    throw malformed(`its element is not ${root}`);
  return found;
}

/** The text of the one child of this name; null: there is none. @throws S3Error MalformedXML when there are more */
export function childText(element: XmlElement, name: string): string | null {
  const [child, ...others] = element.children.get(name) ?? [];
  if (others.length > 0) throw malformed(`it has ${name} more than once`);
  return child?.text ?? null;
}

/** The parser's form: a list of objects with one key each, `#text` or the name of an element. */
function elementOf(nodes: readonly unknown[], depth: number): XmlElement {
  if (depth > MAX_DEPTH) throw malformed(`it is nested deeper than ${MAX_DEPTH} elements`);
  let text = '';
  const children = new Map<string, XmlElement[]>();
  for (const node of nodes) {
    for (const [name, value] of Object.entries(node as Record<string, unknown>)) {
      if (name === '#text') text += decodeReferences(String(value));
      else if (Array.isArray(value)) {
        const child = elementOf(value, depth + 1);
        const siblings = children.get(name);
        if (siblings === undefined) children.set(name, [child]);
        else siblings.push(child);
      }
    }
  }
  return { text, children };
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decodeReferences(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-z]{2,4});/g, (whole, name: string) => {
    if (!name.startsWith('#')) {
      const known = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
      if (known === undefined) throw malformed(`it has the entity ${whole}`);
      return known;
    }
    const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) throw malformed(`${whole} is no character`);
    return String.fromCodePoint(code);
  });
}

export function malformed(why: string): S3Error {
  return new S3Error('MalformedXML', 400, `The body is not the XML that this operation takes: ${why}.`);
}

/** A document of one element. */
export function xmlText(element: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element}`;
}
