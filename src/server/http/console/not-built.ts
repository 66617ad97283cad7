/** The page of a server that runs from a checkout in which the console was not built. Pure. */
export const NOT_BUILT_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Slipway</title>
<h1>The console is not built</h1>
<p>This server runs from a checkout. Packages bring the console with them; a checkout builds it once:</p>
<pre>npm run build:console</pre>
<p>Then load this page again. The server need not be started anew.</p>
</html>
`;
