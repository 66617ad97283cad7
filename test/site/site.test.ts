import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { linkOf, slugOf } from '../../packaging/site/links.ts';
import { headingsOf, markdown } from '../../packaging/site/markdown.ts';
import { PAGES } from '../../packaging/site/pages.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

test('the site has every page of docs/ once, and each of its pages is there', () => {
  const sources = PAGES.map(({ source }) => source);
  const docs = readdirSync(join(PROJECT, 'docs')).filter((name) => name.endsWith('.md'));
  expect(sources.filter((source) => source.startsWith('docs/')).sort()).toEqual(
    docs.map((name) => `docs/${name}`).sort(),
  );
  expect(sources.filter((source) => !existsSync(join(PROJECT, source)))).toEqual([]);
  expect(new Set(PAGES.map(({ name }) => name)).size).toBe(PAGES.length);
});

test.each([
  ['README.md', 'docs/server.md', { to: 'page', href: 'server.html' }],
  ['README.md', 'docs/server.md#set-up', { to: 'page', href: 'server.html#set-up' }],
  ['docs/server.md', 'aws.md#topics', { to: 'page', href: 'aws.html#topics' }],
  ['docs/server.md', '../README.md', { to: 'page', href: 'index.html' }],
  ['docs/server.md', '#set-up', { to: 'elsewhere', href: '#set-up' }],
  ['docs/server.md', 'https://example.com/a.md', { to: 'elsewhere', href: 'https://example.com/a.md' }],
  ['docs/server.md', '../examples/web-app', { to: 'file', path: 'examples/web-app' }],
  ['docs/server.md', '../package.json#x', { to: 'file', path: 'package.json' }],
])('a link from %s, %s, leads to the place in the site', (source, href, expected) => {
  expect(linkOf(PAGES, source, href)).toEqual(expected);
});

test.each([
  ['Set up', 'set-up'],
  ['Blue/green deployments', 'bluegreen-deployments'],
  ['`slipway plan`, and why', 'slipway-plan-and-why'],
  ['TLS: who trusts whom by which file', 'tls-who-trusts-whom-by-which-file'],
])('the heading %s is found as #%s', (heading, slug) => {
  expect(slugOf(heading)).toBe(slug);
});

test('a page’s links lead to pages of the site, files of the project become text, dead links stay, and what looks like a template stays', () => {
  const isThere = (file: string) => file === 'build.ts';
  const html = markdown(PAGES, isThere).render(
    '## Of `a`\n\n[s](server.md) [f](../build.ts) [g](gone.md) {{ version }}\n',
    {
      source: 'docs/agent.md',
    },
  );
  expect(html).toContain('<a href="server.html">s</a>');
  expect(html).toContain('<a title="build.ts">f</a>');
  expect(html).toContain('<a href="gone.md">g</a>');
  expect(html).toContain('{{ version }}');
  expect(headingsOf(html)).toEqual([{ slug: 'of-a', text: 'Of <code>a</code>' }]);
});
