// Says in a form what has become of it.
import { make, one } from './page.js';
import { _ } from './said.js';
import { last } from './read.js';

export const output = (form) => {
	const said = one('output', form) || make('output');
	if (!said.form) form.append(said);
	said.tabIndex = -1;
	return said;
};
export const tell = (form, name, ...text) => {
	form.dataset.state = name;
	form.setAttribute('aria-busy', name === 'sending');
	output(form).replaceChildren(...text);
};

// Why it was not sent, and the number to call. A TypeError is how browsers say that nothing was reached.
export const apologise = (form, error, why = _("The form could not be sent.")) => {
	if (error instanceof TypeError) why = _("No connection could be made. What you have entered is still here.");
	const line = last('hotline=1'), link = one('[href^=tel]'), textContent = line?.display || link?.textContent;
	if (!/\d\d/.test(textContent)) return tell(form, 'error', why, ' ', _("Please try again."));
	const [before, after] = _("Please try again or call us: %(number)s.").split('{number}'), href = line ? 'tel:' + line.number : link.href;
	tell(form, 'error', why, ' ', before, make('a', { href, textContent }), after);
};
