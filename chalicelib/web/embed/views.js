// Counts an article once when somebody sees it: not while the page is prerendered or hidden, and not for those who
// opt out. The name is what the page calls its article: `data-article`, or the address of a page that says it is one.
import { all, api, debug, doc, here, one, option } from './page.js';

export const SLUG = /^(?=.*[a-z0-9_])[a-z0-9_.-]{1,200}$/;
const ARTICLE = /"@type"\s*:\s*\[?\s*"\w*(Article|BlogPosting)"/;
const canonical = () => one('link[rel~=canonical]')?.href;
let seen, before = {}; // the page before, whose title and canonical link may still stand there

const isArticle = () => {
	const prefixes = option('articles'), { pathname } = location;
	if (prefixes) return prefixes.split(/\s+/).some((each) => each && pathname.startsWith(each) && pathname !== each);
	return one('meta[property="og:type"][content=article],body.single-post') // WordPress's own themes have but a class
		|| all(doc, '[type="application/ld+json"]').some((each) => ARTICLE.test(each.textContent));
};
// The name is raw: the API makes of it what it counts.
export const article = () => {
	const given = option('article');
	if (given != null || !isArticle()) return given?.trim();
	const { pathname, search, hash } = location, routes = option('routes') || '', link = canonical();
	const route = (/query/.test(routes) ? search : '') + (/hash/.test(routes) ? hash : ''), url = link && new URL(link);
	const old = link === before.link && pathname !== before.pathname && url?.pathname !== pathname;
	return !url || old || route ? pathname + route : url.pathname + url.search;
};

const send = async (path, body) => {
	try { // as text, which needs no preflight
		debug('view', path, body, (await fetch(api() + path, { method: 'POST', body, keepalive: true })).status);
	} catch (error) {
		debug('view', path, error, navigator.sendBeacon?.(api() + path, body));
	}
};

export const view = () => {
	if (doc.hidden || doc.prerendering || !api()) return;
	const name = article(), title = option('title') ?? doc.title, old = before.title === title;
	if (!name || name === seen) return;
	seen = name;
	before = { link: canonical(), pathname: location.pathname, title };
	if (option('optout') != null || navigator.webdriver || navigator.globalPrivacyControl) return debug('no view', name);
	// A title that did not change with the name is the page's before.
	const told = { title: old ? undefined : title, page: here() };
	if (SLUG.test(name)) send(`articles/${name}/views`, JSON.stringify(told));
	else send('views', JSON.stringify({ article: name.slice(0, 500), ...told }));
};
