// Loads the other part of the snippet, which sends forms and is in one language, once somebody touches a form.
import { api } from './page.js';
import { forms, language } from './words.js';

const loaded = {};
let tries = 0; // what could not be loaded is asked for again under another name only

export const load = (spoken = language()) => loaded[spoken] ||= import(`${api()}embed/${forms[spoken]}.js#${tries++}`).then((part) => part.default, (error) => {
	loaded[spoken] = 0;
	throw error;
});
