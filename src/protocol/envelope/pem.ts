/** PEM texts: named blocks of base64. Pure. */

export function encodePem(label: string, der: ArrayBuffer | Uint8Array): string {
  const base64 = Buffer.from(der instanceof Uint8Array ? der : new Uint8Array(der)).toString('base64');
  return `-----BEGIN ${label}-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`;
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([^-]*)-----END ([A-Z0-9 ]{1,40})-----/g;

/** The bytes of each block with this label, in order; null when one of them is not base64. */
export function decodePem(label: string, pem: string): readonly Uint8Array<ArrayBuffer>[] | null {
  const blocks: Uint8Array<ArrayBuffer>[] = [];
  for (const [, begin, text = '', end] of pem.matchAll(PEM_BLOCK)) {
    if (begin !== label || end !== label) continue;
    const base64 = text.replace(/\s+/g, '');
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return null;
    blocks.push(Uint8Array.from(Buffer.from(base64, 'base64')));
  }
  return blocks;
}
