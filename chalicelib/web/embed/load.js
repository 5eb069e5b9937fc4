// Loads the other part of the snippet, which sends forms and is in one language, once somebody touches a form.
import { api } from './page.js';
import { forms, language } from './words.js';

const loaded = {};
export const load = (spoken = language()) => loaded[spoken] ||= import(`${api()}embed/${forms[spoken]}.js`).then((part) => part.default, (error) => {
	loaded[spoken] = 0;
	throw error;
});
