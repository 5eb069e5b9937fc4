// What a page calls its article: `data-article`, or the address of a page that says it is an article.
import { all } from './dom.js';
import { option } from './page.js';

const ARTICLE = /"@type"\s*:\s*\[?\s*"\w*(Article|BlogPosting)"/;
const path = (url) => new URL(url, document.baseURI).pathname;

const isArticle = () => {
	const prefixes = option('articles')?.split(/\s+/).filter(Boolean);
	if (prefixes) return prefixes.some((each) => location.pathname.startsWith(each) && location.pathname !== each);
	return all(document, 'meta[property="og:type"]').some((each) => each.content.trim() === 'article')
		|| all(document, 'script[type="application/ld+json"]').some((each) => ARTICLE.test(each.textContent))
		|| !!document.body?.classList.contains('single-post'); // WordPress's own themes say no more
};

let seen = {}; // the page before, whose canonical link may still stand there

// The name is raw: the API makes of it what it counts.
export const article = () => {
	const given = option('article');
	if (given != null) return given.trim();
	if (!isArticle()) return '';
	const routes = option('routes') || '', canonical = all(document, 'link[rel~="canonical"]')[0]?.href;
	const route = (/query/.test(routes) ? location.search : '') + (/hash/.test(routes) ? location.hash : '');
	const stale = canonical === seen.canonical && location.pathname !== seen.path && path(canonical) !== location.pathname;
	if (!canonical || route || stale) return location.pathname + route;
	const { pathname, search } = new URL(canonical);
	return pathname + search;
};
export const passed = () => seen = { path: location.pathname, canonical: all(document, 'link[rel~="canonical"]')[0]?.href };
