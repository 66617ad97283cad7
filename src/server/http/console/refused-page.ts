/** The page of a sign-in that a provider's answer did not complete. It is whole without a program, and each word of others is escaped. Pure. */

export interface Refusal {
  readonly status: 400 | 403 | 404 | 429 | 502 | 503;
  /** The event, as a whole sentence. */
  readonly what: string;
  /** Advice for the person. */
  readonly remedy: string;
}

/** @param requestId under which the server's log has more */
export function refusedPage({ what, remedy }: Refusal, requestId: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Not signed in – Slipway</title>
<main>
<h1>You are not signed in</h1>
<p>${escaped(what)}</p>
<p>${escaped(remedy)}</p>
<p><a href="/console/">Back to the sign-in</a></p>
<p><small>Request ${escaped(requestId)}</small></p>
</main>
</html>
`;
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
