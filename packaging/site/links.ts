/** Pure: where a link of a Markdown page leads in the site. */
import { posix } from 'node:path';
import type { Page } from './pages.ts';

/** Letters, digits, `_`, `-` and blanks stay in the name of a heading. */
const NOT_IN_SLUGS = /[^\p{L}\p{N}\s_-]/gu;

export type Link =
  | { readonly to: 'page'; readonly href: string }
  /** It leaves the site, or stays on the page. */
  | { readonly to: 'elsewhere'; readonly href: string }
  /** A file of the project that is no page: the site shows its name without a link. */
  | { readonly to: 'file'; readonly path: string };

/**
 * @param source the page that has the link, as a path in the project
 * @param href as the page has it
 */
export function linkOf(pages: readonly Page[], source: string, href: string): Link {
  if (/^(?:[a-z][a-z0-9+.-]*:|#|\/\/)/iu.test(href)) return { to: 'elsewhere', href };
  const [path = '', fragment] = href.split('#');
  const file = posix.join(posix.dirname(source), decodeURIComponent(path));
  const page = pages.find((one) => one.source === file);
  if (page === undefined) return { to: 'file', path: file };
  return { to: 'page', href: `${page.name}.html${fragment === undefined ? '' : `#${fragment}`}` };
}

/** The name of a heading, by which links find it: as GitHub makes it, because the pages are read there, too. */
export function slugOf(heading: string): string {
  return heading.trim().toLowerCase().replace(NOT_IN_SLUGS, '').replace(/\s/gu, '-');
}
