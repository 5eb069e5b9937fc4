// The website's snippet: fills what is marked by data-contact, sends forms in place, counts views.
import { adopt, api, debug, doc, kindOf, option, own, safely, warn } from './page.js';
import { load } from './load.js';
import { show } from './show.js';
import { apologise } from './tell.js';
import { view } from './views.js';
import { parts } from './parts.js'; // what the other part uses of this one: the build lists it

const LOADED = Symbol.for('contact');
// Milliseconds: a page that stands still so long is complete; one that never does is looked at nevertheless.
const STILL = 200, DRAWN = 2e3;
const roots = new Set();
let planned, later, drawn, address, article;

const look = safely(() => {
	planned = 0;
	if (api()) return show(roots);
});
const seen = safely(() => view());
const changed = safely(() => {
	planned ||= setTimeout(look, 20);
	if (location.href !== address || option('article') !== article) {
		address = location.href;
		article = option('article');
		drawn = Date.now() + DRAWN;
	}
	if (Date.now() > drawn) return;
	clearTimeout(later);
	later = setTimeout(seen, STILL);
});

const submitted = safely(async (event) => {
	const [form] = event.composedPath(), kind = kindOf(form);
	if (!kind || !api()) return; // then the browser sends it
	event.preventDefault();
	if (own(form).closest('[hx-boost]')) event.stopPropagation(); // htmx would send it as well
	try {
		const [, send] = await load();
		send(form, kind, event.submitter);
	} catch (error) {
		debug(error);
		if (own(form).dataset.state && navigator.onLine) own(form).submit(); // the second time it is left to the browser
		else apologise(own(form), error);
	}
});
// A form in a shadow root that nobody has handed over is known once it is touched.
const touched = safely(async (event) => {
	const [at] = event.composedPath(), { closest, form: outer } = own(at), form = closest?.('form') || outer;
	if (!form || !kindOf(form) || !api()) return;
	scan(form);
	const [begin] = await load();
	if (own(form).dataset.state !== 'success') begin(form, kindOf(form));
});

const scan = safely((at = document) => {
	const top = own(at).getRootNode(), root = own(top);
	if (!roots.has(top)) {
		roots.add(top);
		root.addEventListener('submit', submitted, true);
		root.addEventListener('focusin', touched);
		new MutationObserver(changed).observe(top, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-contact', 'data-article', 'data-window', 'data-section', 'lang'] });
	}
	return look();
});

const begin = safely(() => {
	if (!api()) warn('set data-api or <meta name=contact-api>');
	addEventListener('popstate', changed);
	for (const shown of ['visibilitychange', 'prerenderingchange']) doc.addEventListener(shown, seen);
	window.navigation?.addEventListener('currententrychange', changed);
	scan();
	changed();
	seen();
});

const start = () => {
	document[LOADED] = Object.assign(safely((script) => {
		adopt(script);
		changed();
	}), { parts });
	if (doc.readyState === 'loading') doc.addEventListener('DOMContentLoaded', begin);
	else begin();
	Object(window.contact ||= {}).scan ||= scan; // an element or a variable of the page may have this name
};

safely(() => document[LOADED] ? document[LOADED](doc.currentScript) : start())();
