/** How the site reads Markdown: as GitHub does, and with links from page to page. */
import MarkdownItReader, { type MarkdownIt } from 'markdown-it';
import anchor from 'markdown-it-anchor';
import { linkOf, slugOf } from './links.ts';
import type { Page } from './pages.ts';

export interface Heading {
  readonly slug: string;
  /** HTML. */
  readonly text: string;
}

/** Data that Eleventy passes on with the text of a page. */
interface PageData {
  readonly source: string;
}

/** @param isThere whether the project has a file; a link to another one stays as it is, and is found dead */
export function markdown(pages: readonly Page[], isThere: (file: string) => boolean): MarkdownIt {
  const reader = new MarkdownItReader({ html: true }).use(anchor, { slugify: slugOf });
  reader.core.ruler.push('links', ({ tokens, env }) => {
    const { source } = env as unknown as PageData;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== 'link_open') continue;
      const link = linkOf(pages, source, String(token.attrGet('href')));
      // A link without a target is text.
      if (link.to !== 'file') token.attrSet('href', link.href);
      else if (isThere(link.path)) token.attrs = [['title', link.path]];
    }
  });
  // A wide table is moved by itself, not the whole page.
  reader.renderer.rules['table_open'] = () => '<div class="table"><table>\n';
  reader.renderer.rules['table_close'] = () => '</table></div>\n';
  return reader;
}

/** @param html of a page. @returns its headings of the second level */
export function headingsOf(html: string): Heading[] {
  const found = html.matchAll(/<h2 id="(?<slug>[^"]*)"[^>]*>(?<text>.*?)<\/h2>/gu);
  return [...found].map(({ groups }) => ({ slug: groups?.['slug'] ?? '', text: groups?.['text'] ?? '' }));
}
