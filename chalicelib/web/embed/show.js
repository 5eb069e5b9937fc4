// Fills what a page shows: counts, lists, the hotline, times to choose from, declarations.
import { all, debug, kindOf, make, one, own, safely, warn } from './page.js';
import { language, fill } from './words.js';
import { _ } from './said.js';
import { span, when } from './formats.js';
import { known, last, read, renew } from './read.js';
import { SLUG, article } from './views.js';
import { load } from './load.js';

const shown = new WeakMap(), timers = new WeakMap(); // by element
const child = (el, tag) => one(tag, el) || el.appendChild(make(tag));

const views = (el, { views }) => el.textContent = views.toLocaleString(language());

const popular = (el, { articles }) => {
	const list = el.matches('ol,ul') ? el : child(el, 'ol');
	list.replaceChildren(...articles.map(({ slug, title, page }) => {
		const item = make('li'), href = fill(el.dataset.href || '', { slug: encodeURIComponent(slug), page });
		item.append(/^(https?:|[^:]+$)/.test(href) ? make('a', { href, textContent: title }) : title);
		return item;
	}));
};

const hotline = (el, line) => {
	const { number, display, open, opens_at, closes_at } = line, at = open ? closes_at : opens_at;
	const link = el.matches('a') ? el : child(el, 'a');
	Object.assign(link, { href: 'tel:' + number, textContent: display });
	el.dataset.open = open;
	if (link !== el) {
		if (!one('span', el)) el.append(' ');
		child(el, 'span').textContent = !at ? open ? _("open now") : _("closed at the moment")
			: open ? span(Date.now(), at, _("open now until %(to)s"), _("open now until %(last)s, %(to)s"))
				: fill(_("open again %(when)s"), { when: when(at) });
	}
	// Each minute, since what is tomorrow becomes today.
	clearTimeout(timers.get(el));
	timers.set(el, at && setTimeout(safely(async () => {
		if (el.isConnected) hotline(el, new Date(at) - Date.now() < 6e4 && await renew('hotline=1', 'hotline') || line);
	}), 6e4));
};

export const slots = (select, { slots }) => {
	for (const old of [...select.options]) if (old.value.includes('/')) old.remove();
	const one = _("%(day)s, %(from)s–%(to)s"), two = _("%(day)s, %(from)s – %(last)s, %(to)s");
	for (const { from, to } of slots) {
		select.append(new Option(span(from, to, one, two, (time) => time, 'short'), from + '/' + to));
	}
};

const declared = (el) => {
	const form = el.closest('form');
	return (el.dataset.for || form && kindOf(form))?.startsWith('callback') ? 'callbacks' : 'newsletter';
};
export const agreed = new WeakMap(); // the version that is shown, by the field that sends it
const consent = (el, { version, text }) => {
	el.textContent = text;
	const kind = declared(el), form = el.closest('form');
	// A text outside of forms is that of each form without one of its own.
	const forms = form ? [form] : all(own(el.getRootNode()), 'form').filter((each) => kind.startsWith(kindOf(each)) && !one('[data-contact=consent]', own(each)));
	for (const each of forms) for (const input of own(each).elements) if (input.name === 'consent' && input.type !== 'file') {
		if (input.value !== version) input.checked = false; // a tick given to another wording does not count
		agreed.set(input, input.value = version);
	}
};

// What each kind of element shows: the key it is read by, and what fills the element with it.
const PLANS = {
	views: (el) => {
		const name = el.dataset.article ?? article();
		return name && [(SLUG.test(name) ? 'slugs=' : 'article=') + name, views];
	},
	popular: ({ dataset: { window = '24h', limit = 10, section } }) => [`popular=${window}:${limit}${section ? ':' + section : ''}`, popular],
	hotline: () => ['hotline=1', hotline],
	slots: (el) => el.options && ['slots=5', slots],
	consent: (el) => ['consent=' + declared(el), consent],
	form: (el) => ['form=' + el.dataset.form],
};

export const show = async (roots) => {
	const waiting = [];
	for (const root of roots) for (const el of all(own(root), '[data-contact]')) {
		if (el instanceof HTMLFormElement) {
			if (kindOf(el)) own(el).setAttribute('novalidate', ''); // our answers say what is wrong, each beside its field
			continue;
		}
		const [key, use] = !el.closest('[data-ready]') && PLANS[el.dataset.contact]?.(el) || [];
		const now = key + el.dataset.href + language(), there = known(key);
		if (!key || shown.get(el) === now) continue;
		shown.set(el, now);
		debug('show', key);
		if (!use) load().then(([, , ready]) => ready(el), (error) => {
			warn(error);
			shown.delete(el); // the next change of the page tries again
		});
		else if (there) use(el, there);
		else if (there !== null) waiting.push([el, key, use]);
	}
	if (waiting[0]) await read(new Set(waiting.map(([, key]) => key)));
	for (const [el, key, use] of waiting) if (last(key)) safely(use)(el, last(key));
};
