/**
 * Builds the documentation's site into `dist/site`: `npm run docs:site`. Its files work from any web server, in any folder of it, and nothing of
 * them comes from elsewhere. Fails when a link leads nowhere.
 */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import Eleventy from '@11ty/eleventy';
import { LinkChecker, LinkState } from 'linkinator';
import { close, createIndex } from 'pagefind';
import { quoteForShell } from '../../src/system/shell-word.ts';
import { outliveReaders } from '../closed-pipe.ts';
import { headingsOf, markdown } from './markdown.ts';
import { CHAPTERS, PAGES } from './pages.ts';

const PROJECT = resolve(import.meta.dirname, '../..');
const HELP = `npm run docs:site -- [OPTIONS]

  --out FOLDER   where the site goes (dist/site)
`;

outliveReaders();
const { values } = parseArgs({
  options: { out: { type: 'string', default: join(PROJECT, 'dist/site') }, help: { type: 'boolean', default: false } },
});
if (values.help) process.stdout.write(HELP);
else await buildSite(resolve(values.out));

async function buildSite(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  await writePages(out);
  for (const file of ['style.css', 'search.js']) cpSync(join(import.meta.dirname, file), join(out, file));
  // Pictures stand beside the pages as they do in docs/.
  cpSync(join(PROJECT, 'docs/console'), join(out, 'console'), { recursive: true });
  await writeSearch(out);
  const dead = await deadLinks(out);
  for (const { url, parent } of dead) process.stderr.write(`${parent}: the link ${url} leads nowhere\n`);
  if (dead.length > 0) process.exitCode = 1;
  process.stdout.write(
    `${PAGES.length} pages in ${out}; to look at them: python3 -m http.server --directory ${quoteForShell(out)}\n`,
  );
}

async function writePages(out: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
  const site = new Eleventy(import.meta.dirname, out, {
    configPath: false,
    quietMode: true,
    config(eleventy) {
      eleventy.setLibrary(
        'md',
        markdown(PAGES, (file) => existsSync(join(PROJECT, file))),
      );
      eleventy.addFilter('headings', headingsOf);
      eleventy.addGlobalData('chapters', CHAPTERS);
      eleventy.addGlobalData('version', version);
      for (const page of PAGES) {
        const text = readFileSync(join(PROJECT, page.source), 'utf8');
        eleventy.addTemplate(`${page.name}.md`, text, { ...page, layout: 'page.njk', permalink: `${page.name}.html` });
      }
      // The pages are Markdown and nothing else: what looks like a template in them is shown as it stands.
      return { markdownTemplateEngine: false, templateFormats: ['md', 'njk'] };
    },
  });
  await site.write();
}

async function writeSearch(out: string): Promise<void> {
  const { index, errors } = await createIndex();
  if (index === undefined) throw new Error(`the search cannot be built: ${errors.join('; ')}`);
  await index.addDirectory({ path: out });
  await index.writeFiles({ outputPath: join(out, 'pagefind') });
  await close();
}

async function deadLinks(out: string): Promise<{ readonly url: string; readonly parent: string }[]> {
  const { links } = await new LinkChecker().check({
    path: PAGES.map(({ name }) => `${name}.html`),
    serverRoot: out,
    checkFragments: true,
    // Only what is ours: other people's servers may be down.
    linksToSkip: async (link) => !/^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])/u.test(link),
  });
  return links.filter(({ state }) => state === LinkState.BROKEN).map(({ url, parent = '' }) => ({ url, parent }));
}
