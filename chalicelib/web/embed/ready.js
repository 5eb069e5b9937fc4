// A whole form, as the API renders it.
import { api, make, one, warn } from './page.js';
import { language } from './words.js';
import { _ } from './said.js';
import { trusted } from './trust.js';

let sheet; // alike for all forms
export const ready = async (el) => {
	const page = `${api()}forms/${el.dataset.form}?language=${language()}`;
	try {
		const text = await (await fetch(page + '&part=1')).text();
		const { body } = new DOMParser().parseFromString(trusted('createHTML', text), 'text/html');
		const root = el.getRootNode();
		sheet ||= new CSSStyleSheet(); // this way a style needs no permission of the page's policy
		sheet.replaceSync(one('template', body).content.textContent);
		root.adoptedStyleSheets = [...root.adoptedStyleSheets.filter((each) => each !== sheet), sheet];
		el.replaceChildren(one('form', body));
	} catch (error) {
		warn(page, error);
		el.append(make('a', { href: page, textContent: _("To the form") }));
	}
};
