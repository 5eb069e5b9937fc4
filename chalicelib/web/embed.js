// Fills data-contact elements, sends forms, counts views.
(() => {
const script = document.currentScript, { language = document.documentElement.lang } = script.dataset;
const api = new URL('.', script.src).href, lang = /^en/.test(language) ? 'en' : 'de';
const [sending, thanks, again, away, call, open, until, closed] = {
	de: ['Wird gesendet …', 'Vielen Dank.', ' Ab: ', 'Nicht gesendet. Bitte versuchen Sie es noch einmal', ' oder rufen Sie an: ',
		'jetzt erreichbar', ' bis ', 'wieder erreichbar: '],
	en: ['Sending …', 'Thank you.', ' From: ', 'Not sent. Please try again', ' or call us: ', 'open now', ' until ', 'open again: '],
}[lang];
const clock = { hour: '2-digit', minute: '2-digit' }, day = { ...clock, weekday: 'short', day: 'numeric', month: 'short' };
let zone, seen;

const here = () => location.origin + location.pathname;
const all = (kind) => document.querySelectorAll(`[data-contact=${kind}]`);
const make = (tag, values) => Object.assign(document.createElement(tag), values);
const time = (options, from, to = from) => new Intl.DateTimeFormat(lang, { timeZone: zone, ...options })
	.formatRange(new Date(from), new Date(to));
const read = async (path, use, cache) => {
	const answer = await fetch(api + path, { cache }).catch(() => 0);
	if (!answer.ok) return;
	const reply = await answer.json();
	zone ??= reply.timezone;
	use(reply);
};

const counts = (cache) => all('views').forEach((el) => {
	const slug = el.dataset.article || script.dataset.article;
	read(`articles/${slug}/views`, ({ views }) => el.textContent = views.toLocaleString(lang), cache);
});
const popular = (list) => {
	const { window, limit, href } = list.dataset;
	read(`articles/popular?window=${window}&limit=${limit}`, ({ articles }) => {
		for (const { slug, title } of articles) {
			list.appendChild(make('li')).append(make('a', { href: href.replace('{slug}', slug), textContent: title }));
		}
	});
};
const hotline = (el) => read('hotline', (line) => {
	const at = line.open ? line.closes_at : line.opens_at, left = new Date(at) - Date.now();
	Object.assign(el.querySelector('a'), { href: 'tel:' + line.number, textContent: line.display });
	el.querySelector('span').textContent = (!line.open ? closed : at ? open + until : open)
		+ (at ? time(left < 864e5 ? clock : day, at) : '');
	el.dataset.open = line.open;
	if (at) setTimeout(hotline, Math.max(left, 6e4), el);
});
const slots = (select) => read('callbacks/slots?days=5', ({ slots }) => {
	for (const { from, to } of slots) select.append(new Option(time(day, from, to), from + '/' + to));
});
// A tick given to another wording does not count.
const consent = (el) => read(`${el.dataset.for}/consent?language=${lang}`, ({ version, text }) => {
	const input = el.closest('form').elements.consent;
	if (input.value !== version) input.checked = false;
	input.value = version;
	el.textContent = text;
});

const values = (form) => {
	const data = { language: lang, page: here() };
	for (const [name, value] of new FormData(form)) {
		const [from, to] = value.split('/');
		if (name === 'topics') (data.topics ??= []).push(value);
		else if (value && name !== 'next') data[name] = name === 'window' ? { from, to } : value;
	}
	return JSON.stringify(data);
};
const mark = (form, { field, message }) => {
	const input = form.querySelector(`[name=${field}]`), id = `${form.dataset.contact}-${field}-error`;
	if (!input) return;
	(input.closest('label') || input).after(make('p', { id, className: 'contact-error', textContent: message }));
	input.ariaInvalid = true;
	input.setAttribute('aria-describedby', id);
};
const submit = async (event) => {
	event.preventDefault();
	const form = event.target, state = form.querySelector('output');
	const tell = (name, text) => {
		form.dataset.state = name;
		form.ariaBusy = form.querySelector('button').disabled = name === 'sending';
		state.textContent = text;
	};
	form.querySelectorAll('.contact-error').forEach((el) => el.remove());
	form.querySelectorAll('[aria-invalid]').forEach((el) => el.ariaInvalid = null);
	tell('sending', sending);
	const answer = await fetch(form.action, {
		method: 'POST', body: values(form), headers: { 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(2e4),
	}).catch(() => 0);
	const reply = answer && await answer.json().catch(() => 0);
	if (answer.ok) {
		const { reference, expected: at } = reply, text = form.dataset.success || thanks;
		tell('success', text.replace('{reference}', reference).replace('{expected}', at && time(day, at.from, at.to)));
		form.replaceChildren(state);
	} else if (answer.status < 500) {
		const wait = answer.headers.get('Retry-After');
		tell('error', reply.detail + (wait ? again + time(day, Date.now() + wait * 1e3) : ''));
		reply.errors?.forEach((error) => mark(form, error));
	} else {
		const number = document.querySelector('[href^=tel]')?.textContent;
		tell('error', away + (number ? call + number : '.'));
	}
	(form.querySelector('[aria-invalid]') || state).focus();
};

// Once a page, when it is seen; not for those who opt out.
const view = () => {
	const event = document.prerendering ? 'prerenderingchange' : document.hidden && 'visibilitychange';
	if (event) return document.addEventListener(event, view, { once: true });
	const page = here(), { article, optout, title = document.title } = script.dataset;
	if (!article || seen === page || optout != null || navigator.webdriver || navigator.globalPrivacyControl) return;
	seen = page;
	const url = `${api}articles/${article}/views`, body = JSON.stringify({ title, page });
	if (!navigator.sendBeacon(url, body)) fetch(url, { method: 'POST', body, keepalive: true });
	setTimeout(counts, 2e3, 'reload');
};
// A site using pushState sets data-article anew.
window.navigation?.addEventListener('currententrychange', () => setTimeout(view, 200));

for (const form of document.querySelectorAll('form[data-contact]')) {
	form.noValidate = true;
	form.append(make('output', { tabIndex: -1 }));
	form.addEventListener('submit', submit);
}
all('hotline').forEach(hotline);
all('popular').forEach(popular);
all('slots').forEach(slots);
all('consent').forEach(consent);
counts();
view();
})();
