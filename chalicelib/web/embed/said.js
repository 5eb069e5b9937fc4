// What we say, ours and what `company.toml` says. The API fills it in, by language, with values in braces; the build
// puts in the place of each word its number in that list. Each of the built files has a list of its own.
import { language } from './words.js';

const said = CONTACT_WORDS;

export const _ = (number) => said[language()][number];
export const pgettext = _;
export const company = _;
