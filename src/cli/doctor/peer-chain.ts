/** The certificates that another side shows, looked at without trusting it. */
import { connect, type DetailedPeerCertificate } from 'node:tls';

/**
 * The authority whose certificate has ended, where the other side's own has not.
 *
 * @returns its name; null: its own has ended, or nothing more is known
 */
export async function endedAuthority(url: URL, limitMs: number): Promise<string | null> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const leaf = await new Promise<DetailedPeerCertificate | null>((resolve) => {
    const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false, timeout: limitMs }, () => {
      resolve(socket.getPeerCertificate(true));
      socket.destroy();
    });
    socket.on('error', () => resolve(null));
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
  });
  if (leaf?.valid_to === undefined || hasEnded(leaf.valid_to)) return null;
  const seen = new Set<string>();
  let at: DetailedPeerCertificate = leaf;
  while (at.issuerCertificate !== undefined && !seen.has(at.fingerprint256)) {
    seen.add(at.fingerprint256);
    at = at.issuerCertificate;
    if (hasEnded(at.valid_to)) return nameOf(at.subject);
  }
  // It is one of those that are trusted here, which the other side does not show.
  return nameOf(at.issuer);
}

function hasEnded(end: string): boolean {
  return Date.parse(end) <= Date.now();
}

function nameOf({ CN, O }: DetailedPeerCertificate['subject']): string {
  return String(CN ?? O ?? '(no name)');
}
