/** Whether the chain in a certificate's file leads to an authority that those who connect can know. */
import type { X509Certificate } from 'node:crypto';
import { type Finding, fail, warn } from '../check.ts';

const CHECK = 'certificate';

export interface ChainFacts {
  readonly certFile: string;
  /** Authorities of this machine: hundreds, read only where they count. */
  readonly trusted: () => readonly X509Certificate[];
  /** Certificates that hosts trust beside these, as far as is known here. */
  readonly named: readonly X509Certificate[];
}

/** The leaf first. Pure, but for what `trusted` reads. */
export function judgeChain(certificates: readonly X509Certificate[], facts: ChainFacts): Finding[] {
  const [leaf, ...others] = certificates;
  if (leaf === undefined) return [];
  const last = climb(leaf, others);
  // Signed by itself: whoever trusts it, trusts it by name.
  if (isSignedBy(last, last)) return [];
  const authority = (last.issuer ?? '').split('\n').join(', ');
  if (facts.named.some((one) => isSignedBy(last, one))) return [];
  if (facts.trusted().some((one) => isSignedBy(last, one))) return [];
  const isHalf = facts.named.length > 0 || hasPublicIssuer(last);
  const detail = `the chain in ${facts.certFile} ends with a certificate of ${authority}, which is neither in it nor trusted here`;
  if (isHalf) {
    const remedy = `Add the certificate of ${authority} behind the others in ${facts.certFile} (your authority calls it the full chain, or intermediate).`;
    return [fail(CHECK, detail, remedy)];
  }
  const remedy =
    `Right for an authority of your own that hosts know by ca_file: name that file with --ca-file, and the doctor compares. ` +
    `Else add the certificate of ${authority} behind the others.`;
  return [warn(CHECK, detail, remedy)];
}

/** The certificate highest up that the file leads to, in whatever order its lines are. */
function climb(leaf: X509Certificate, others: readonly X509Certificate[]): X509Certificate {
  let at = leaf;
  const left = [...others];
  for (;;) {
    const above = left.findIndex((one) => !isSignedBy(at, at) && isSignedBy(at, one));
    const [next] = above < 0 ? [] : left.splice(above, 1);
    if (next === undefined) return at;
    at = next;
  }
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/** Public authorities write down where their own certificate is to be had; so do few others. */
function hasPublicIssuer({ infoAccess }: X509Certificate): boolean {
  return /CA Issuers/.test(infoAccess ?? '');
}
