// Fills data-contact elements, sends forms, counts views.
(() => {
const texts = {}; // by language: the API fills them in, our words and the company's
const script = document.currentScript, { language = document.documentElement.lang } = script.dataset;
const api = new URL('.', script.src).href, spoken = Object.keys(texts), [wanted] = language.toLowerCase().split(/[-_]/);
const lang = spoken.includes(wanted) ? wanted : spoken[0], said = texts[lang] || {};
const _ = (word) => said[word] || word, pgettext = (context, word) => said[context + '\x04' + word] || word;
const fill = (text, values) => text.replace(/(?:%\(|{)(\w+)(?:\)s|})/g, (whole, name) => values[name] ?? whole);
let zone, seen;

// A day, and a time of day, as `formats.py` writes them. Swedish writes dates as ISO 8601 does.
const date = (at) => Date.parse(new Intl.DateTimeFormat('sv', { timeZone: zone }).format(new Date(at))) / 864e5;
const local = (at, style = 'long') => {
	const parts = {}, two = '2-digit', format = new Intl.DateTimeFormat(lang, {
		timeZone: zone, weekday: style, day: 'numeric', month: style, hour: two, minute: two, hourCycle: 'h23',
	});
	for (const { type, value } of format.formatToParts(new Date(at))) parts[type] = value;
	const { weekday, day: d, month, hour, minute } = parts;
	const day = fill(pgettext("date", "%(weekday)s, %(d)s %(month)s"), { weekday, d, month });
	return { weekday, day, time: `${hour}:${minute}` };
};
const clock = (time) => {
	const [hour, minute] = time.split(':');
	const text = minute > 0 ? pgettext("time", "%(hour)s:%(minute)s") : pgettext("full hour", "%(hour)s:00");
	return fill(text, { hour: +hour, minute });
};
const span = (from, to, one, two, write = clock, style) => {
	const first = local(from, style), last = local(to, style), days = date(to) - date(from);
	const midnight = days === 1 && last.time === '00:00';
	return fill(days && !midnight ? two : one, {
		day: first.day, from: write(first.time), last: last.day, to: write(midnight ? '24:00' : last.time),
	});
};
const when = (at) => {
	const { weekday, day, time } = local(at), days = date(at) - date(Date.now());
	const text = [_("from %(time)s today"), _("from %(time)s tomorrow")][days]
		|| (days < 7 ? _("from %(time)s on %(weekday)s") : _("from %(time)s on %(day)s"));
	return fill(text, { time: clock(time), weekday, day });
};

const here = () => location.origin + location.pathname;
const all = (kind) => document.querySelectorAll(`[data-contact=${kind}]`);
const make = (tag, values) => Object.assign(document.createElement(tag), values);
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
const hotline = (el) => read('hotline', ({ number, display, open, opens_at, closes_at }) => {
	const at = open ? closes_at : opens_at, text = el.querySelector('span');
	Object.assign(el.querySelector('a'), { href: 'tel:' + number, textContent: display });
	el.dataset.open = open;
	const show = () => {
		if (!at) return text.textContent = open ? _("open now") : _("closed at the moment");
		text.textContent = open ? span(Date.now(), at, _("open now until %(to)s"), _("open now until %(last)s, %(to)s"))
			: fill(_("open again %(when)s"), { when: when(at) });
		// Each minute, since what is tomorrow becomes today.
		setTimeout(new Date(at) - Date.now() > 6e4 ? show : hotline, 6e4, el);
	};
	show();
});
const slots = (select, cache) => read('callbacks/slots?days=5', ({ slots }) => {
	for (const old of [...select.options]) if (old.value.includes('/')) old.remove();
	const one = _("%(day)s, %(from)s–%(to)s"), two = _("%(day)s, %(from)s – %(last)s, %(to)s");
	for (const { from, to } of slots) {
		select.append(new Option(span(from, to, one, two, (time) => time, 'short'), from + '/' + to));
	}
}, cache);
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
	// A trap for robots that a program filled: nobody sees it, so that we empty it and say so where people look.
	if (input.closest('[aria-hidden]')) {
		input.value = '';
		return form.querySelector('output').textContent = message;
	}
	(input.closest('label') || input).after(make('p', { id, className: 'contact-error', textContent: message }));
	input.ariaInvalid = true;
	input.setAttribute('aria-describedby', id);
};
const submit = async (event) => {
	event.preventDefault();
	const form = event.target, state = form.querySelector('output');
	const tell = (name, ...text) => {
		form.dataset.state = name;
		form.ariaBusy = form.querySelector('button').disabled = name === 'sending';
		state.replaceChildren(...text);
	};
	form.querySelectorAll('.contact-error').forEach((el) => el.remove());
	form.querySelectorAll('[aria-invalid]').forEach((el) => el.ariaInvalid = null);
	tell('sending', _("Sending …"));
	const answer = await fetch(form.action, {
		method: 'POST', body: values(form), headers: { 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(2e4),
	}).catch(() => 0);
	const reply = answer && await answer.json().catch(() => 0);
	if (answer.ok) {
		const { reference, expected: at, phone, suggestion: address } = reply, text = form.dataset.success || said[form.dataset.contact + '_success'];
		if (at && !zone) await read('hotline', () => {}); // it tells the zone
		const expected = at && span(at.from, at.to,
			_("on %(day)s, between %(from)s and %(to)s"), _("between %(day)s, %(from)s and %(last)s, %(to)s"));
		tell('success', fill(text, { reference, expected, phone: phone?.display.replace(/ /g, "\u00a0") }),
			address ? ' ' + fill(_("Did you mean %(address)s? Then please sign up again with that address."), { address }) : '');
		form.replaceChildren(state);
	} else if (answer.status < 500 && reply.detail) {
		const wait = answer.headers.get('Retry-After'), minute = Math.ceil((Date.now() + wait * 1e3) / 6e4);
		tell('error', wait ? fill(_("Too many requests. Please try again %(when)s."), { when: when(minute * 6e4) }) : reply.detail);
		reply.errors?.forEach((error) => {
			mark(form, error);
			if (error.field === 'window') form.querySelectorAll('[data-contact=slots]').forEach((el) => slots(el, 'reload'));
		});
	} else {
		const number = document.querySelector('[href^=tel]');
		if (number) {
			const [before, after] = _("The form could not be sent. Please try again or call us: %(number)s.").split('%(number)s');
			tell('error', before, make('a', { href: number.href, textContent: number.textContent }), after);
		} else tell('error', _("The form could not be sent. Please try again."));
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
all('slots').forEach((el) => slots(el));
all('consent').forEach(consent);
counts();
view();
})();
