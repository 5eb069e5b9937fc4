// The page we are in, which is not ours: our tag, what it says of us, and safe ways to its elements.
const OURS = /^([^?#]*\/)embed(\/[^/?#]+)?\.js([?#]|$)/;

// A form or the document as we need it: elements may hide its own properties and methods, as fields named `action` or
// `dataset` do in a form, and a form or an image named `querySelector` in the document.
export const own = (node) => new Proxy(node, {
	get: (_, name) => {
		const value = Reflect.get(Reflect.getPrototypeOf(node), name, node);
		return value?.bind ? value.bind(node) : value;
	},
});
export const doc = own(document);
let script = doc.currentScript, found;

export const all = (root, selector) => [...root.querySelectorAll(selector)];
export const one = (selector, root = doc) => root.querySelector(selector);
export const make = (tag, values) => Object.assign(doc.createElement(tag), values);

export const kindOf = (form) => {
	const { contact } = own(form).dataset;
	return /^(newsletter|callback)$/.exec(contact ?? own(form).closest('div[data-contact]')?.dataset.contact)?.[0];
};

// The tag may have been replaced by the next page's, or loaded a second time.
const tag = () => script?.isConnected ? script : all(doc, 'script').filter((each) => each.dataset.api || OURS.test(each.src)).pop() || script;
export const adopt = (another) => script = another;
export const option = (name) => tag()?.getAttribute('data-' + name) ?? one(`meta[name=contact-${name}]`)?.content;
export const api = () => {
	const named = option('api');
	return found ||= named ? new URL(named.replace(/\/*$/, '/'), doc.baseURI).href : OURS.exec(tag()?.src)?.[1];
};
export const here = () => location.origin + location.pathname;

export const warn = (...what) => console.warn('contact:', ...what);
export const debug = (...what) => option('debug') != null && console.debug('contact:', ...what);
// What we do never ends in an exception of the page's.
export const safely = (act) => async (...given) => {
	try {
		return await act(...given);
	} catch (error) {
		warn(error);
	}
};
