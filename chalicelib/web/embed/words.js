// The language of what we say, which is the page's, and how values get into it.
import { doc, option } from './page.js';

// By language the name of the other part.
export const forms = CONTACT_FORMS;
const spoken = Object.keys(forms);

export const language = () => {
	const [wanted] = (option('language') || doc.documentElement.lang).toLowerCase().split(/[-_]/);
	return spoken.includes(wanted) ? wanted : spoken[0];
};
export const fill = (text, values) => text.replace(/{(\w+)}/g, (whole, name) => values[name] ?? whole);
