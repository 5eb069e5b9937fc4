// Sends a form in place, and says in it what has become of that.
import { all, api, debug, here, make, own, safely, warn } from './page.js';
import { fill, language } from './words.js';
import { _, company } from './said.js';
import { hasZone, span, when } from './formats.js';
import { renew } from './read.js';
import { apologise, output, tell } from './tell.js';
import { agreed, slots } from './show.js';
import { proof } from './proof.js';

let count = 0;

// What is filled in. Fields `language` and `page` of the form's own go before ours.
const values = (form) => {
	const data = { language: language(), page: here() };
	// What draws the page may have put back the version that it knows, such as React.
	for (const each of own(form).elements) if (agreed.has(each)) each.value = agreed.get(each);
	for (const [name, value] of new FormData(form)) {
		if (value.name) warn('not sent:', name);
		if (value.size >= 0 || !value || name === 'next') continue;
		const [from, to] = value.split('/');
		if (name === 'topics') {
			(data.topics ||= []).push(value);
			data.topics.toJSON = 0; // Prototype.js gives arrays one that makes a text of them
		} else data[name] = name === 'window' && to ? { from, to } : value;
	}
	return data;
};

// Says at the field what is wrong with it, where the page has such a field that people see.
const point = (form, { field, message }) => {
	const inputs = [...form.elements].filter((each) => each.name === field), trap = inputs.find((each) => each.closest('[aria-hidden]'));
	const input = inputs.find((each) => each.type !== 'hidden' && each !== trap), id = `contact-error-${++count}`;
	if (trap) trap.value = ''; // one for robots, that a program filled
	if (!inputs[0]) warn('no field', field);
	if (!input) return;
	(input.closest('label') || input).after(make('p', { id, className: 'contact-error', textContent: message }));
	input.setAttribute('aria-invalid', true);
	input.setAttribute('aria-describedby', id);
	return input;
};

const thank = async (form, kind, { reference, expected: at, phone, suggestion: address }) => {
	if (at && !hasZone()) await renew('hotline=1', 'hotline'); // it tells the zone
	const expected = at && span(at.from, at.to,
		_("on %(day)s, between %(from)s and %(to)s"), _("between %(day)s, %(from)s and %(last)s, %(to)s"));
	const thanks = kind === 'callback' ? company("callback_success") : company("newsletter_success");
	tell(form, 'success', fill(form.dataset.success || thanks, { reference, expected, phone: phone?.display.replace(/ /g, '\u00a0') }),
		address ? ' ' + fill(_("Did you mean %(address)s? Then please sign up again with that address."), { address }) : '');
	// The fields go out of sight, not out of the document: whatever draws the page may hold on to them.
	form.reset();
	for (const each of form.childNodes) {
		if (!each.style) each.data = '';
		else if (!each.contains(output(form))) each.style.display = 'none';
	}
};

const refuse = (form, answer, { detail, errors = [] }) => {
	const wait = answer.headers.get('Retry-After'), minute = Math.ceil((Date.now() + wait * 1e3) / 6e4);
	const others = errors.filter((error) => !point(form, error)).map(({ message }) => ' ' + message);
	tell(form, 'error', wait ? fill(_("Too many requests. Please try again %(when)s."), { when: when(minute * 6e4) }) : detail, ...others);
	for (const { field } of errors) if (field === 'window') all(form, 'select[data-contact=slots]').forEach(safely(async (select) => {
		slots(select, await renew('slots=5', 'callbacks/slots?days=5'));
	}));
};

const post = async (raw, form, kind, data, again) => {
	let why = _("The security check did not work.");
	try {
		const altcha = await proof(raw, kind);
		why = undefined;
		const answer = await fetch(form.getAttribute('action') || api() + (kind === 'callback' ? 'callbacks' : 'newsletter/signups'), {
			method: 'POST', body: JSON.stringify({ ...data, altcha }), headers: { 'Content-Type': 'application/json' },
			signal: AbortSignal.timeout?.(2e4),
		});
		const reply = await answer.json();
		// A proof is good for some minutes and for one sending: the visitor need not know.
		if (!again && reply.errors?.some(({ field }) => field === 'altcha')) return post(raw, form, kind, data, true);
		if (answer.ok || (answer.status < 500 && reply.detail)) return { answer, reply };
		return {};
	} catch (error) {
		debug(error);
		return { error, why };
	}
};

export const send = safely(async (raw, kind, pressed) => {
	const form = own(raw), data = values(raw), busy = /^s/.test(form.dataset.state); // sending, success
	const buttons = [...form.elements, ...all(form, '[type=image]'), pressed].filter((each) => /submit|image/.test(each?.type) && !each.disabled);
	if (busy) return;
	all(form, '.contact-error').forEach((each) => each.remove());
	for (const each of form.elements) each.removeAttribute('aria-invalid');
	tell(form, 'sending', _("Sending …"));
	for (const each of buttons) each.disabled = true;
	const { answer, reply, error, why } = await post(raw, form, kind, data);
	debug('sending', kind, answer?.status);
	if (!answer) apologise(form, error, why);
	else if (answer.ok) await thank(form, kind, reply);
	else refuse(form, answer, reply);
	if (!answer?.ok) for (const each of buttons) each.disabled = false;
	([...form.elements].find((each) => each.ariaInvalid) || output(form)).focus();
});
