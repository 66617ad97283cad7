/** Headers by which a browser keeps the console apart from everything else. Pure. */

/**
 * Nothing comes from elsewhere, nothing runs that is not a file of the console, nobody frames it, and no form sends anything away. Styles may
 * stand in the document, because the components measure and place themselves that way; they are no programs.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** For each answer below `/console`, errors included. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};

/** The name of a file has the hash of its content, so a browser need never ask again. */
export const FOR_EVER = 'public, max-age=31536000, immutable';
export const NEVER = 'no-store';
