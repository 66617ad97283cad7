/** Scenarios of what a browser shares: the address with the other doors of the server, and six connections among all its tabs. */
import { presign } from '../support/presigned.ts';
import { expect } from './expect.ts';
import type { Scenario } from './scenarios.ts';

/** More than a browser has connections to one server. */
const TABS = 8;

const setVisibility = (state: 'hidden' | 'visible') =>
  `Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => '${state}' });
   document.dispatchEvent(new Event('visibilitychange'));`;

/** A page that would make itself an admin's key with the session of the one who opens it. */
const EVIL_PAGE = `<title>as stored</title><script>
  document.title = 'it ran';
  fetch('/console/api/CreateAccessKey', { method: 'POST', body: '{"role":"admin"}',
    headers: { 'x-slipway-console': '1', 'content-type': 'application/json' } });
</script>`;

export const SHARED_BY_A_BROWSER: readonly Scenario[] = [
  {
    name: 'a page that an operator has stored runs nothing in the browser of an admin',
    async run(ground) {
      const [operator, target] = [await ground.newKey('operator'), '/revisions/page.html'];
      const put = await presign(ground.server.url, operator, { method: 'PUT', target });
      const stored = await fetch(put, { method: 'PUT', headers: { 'content-type': 'text/html' }, body: EVIL_PAGE });
      expect(stored.ok, `the page was not stored: ${stored.status}`);
      const { page } = await ground.signedIn(ground.admin);
      let asked = 0;
      page.on('request', (request) => {
        if (request.url().includes('/console/')) asked += 1;
      });
      await page.goto(await presign(ground.server.url, operator, { target }));
      const title = await page.title();
      expect(title === 'as stored', `the page is not shown as it was stored: ${title}`);
      expect(asked === 0, 'the page has called the console');
    },
  },
  {
    name: 'many tabs of one browser work at the same time',
    async run(ground) {
      const { page: first } = await ground.signedIn(ground.admin, 'deployments');
      for (let tab = 1, shown = first; tab < TABS; tab += 1) {
        // As a browser does when another tab comes to the front.
        await shown.evaluate(setVisibility('hidden'));
        shown = await first.context().newPage();
        await shown.goto(`${ground.server.url}/console/deployments`, { timeout: 20_000 });
        await shown.getByText('Nothing was deployed yet').waitFor({ timeout: 20_000 });
      }
      const again = first.waitForRequest(/console\/events/, { timeout: 20_000 });
      await first.evaluate(setVisibility('visible'));
      await again;
    },
  },
];
