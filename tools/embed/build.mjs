// Builds the snippet's two files from their modules: `node build.mjs SOURCES TARGET`, with esbuild and terser in NODE_PATH.
//
// `embed.js` is what each page loads. `forms.js` is loaded when somebody touches a form; it has no copy of a module of
// the first file, but takes what it uses of them from the page.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const require = createRequire(join(process.env.NODE_PATH, 'x'));
const { build } = require('esbuild'), { minify } = require('terser');
const [, , sources, target] = process.argv;
const FORMS = ['forms', 'proof', 'ready', 'send', 'trust']; // the second file's modules
const BOTH = ['said']; // a list of words each
const IMPORT = /^import \{ ([\w, ]+) \} from '\.\/(\w+)\.js';/gm;
const WORD = /\b(_|pgettext|company)\((?:"([^"]+)", )?"([^"]+)"\)/g;

const read = (name) => readFileSync(join(sources, `${name}.js`), 'utf8');

// What the second file uses of the first: the module of each name.
const used = {};
for (const name of [...FORMS, ...BOTH]) for (const [, names, module] of read(name).matchAll(IMPORT)) {
	if (!FORMS.includes(module) && !BOTH.includes(module)) for (const each of names.split(', ')) used[each] = module;
}
const names = Object.keys(used).sort(), shared = new Set(Object.values(used));
const parts = names.map((each) => `import { ${each} } from './${used[each]}.js';`).join('\n') + `\nexport const parts = [${names}];`;

// What is alike in many places packs well: so no expressions joined by commas, and no functions put into others.
const small = async (code, preamble, compress) => (await minify(code, {
	ecma: 2021, toplevel: true, compress: { ecma: 2021, passes: 2, ...compress }, format: { preamble },
})).code;
const solver = await small(readFileSync(join(sources, '../vendor/altcha/pbkdf2.js'), 'utf8'));

const bundle = async (name, format, output, preamble) => {
	const second = name === 'forms', words = [];
	const number = (context, word) => {
		const there = words.findIndex((each) => each[0] === context && each[1] === word);
		return there < 0 ? words.push([context, word]) - 1 : there;
	};
	const plugin = {
		name: 'contact',
		setup: (esbuild) => {
			esbuild.onResolve({ filter: /vendor/ }, () => ({ path: 'solver', namespace: 'made' }));
			esbuild.onResolve({ filter: /^\.\/\w+\.js$/ }, ({ path }) => {
				const module = path.slice(2, -3);
				if (module === 'parts') return { path: module, namespace: 'made' };
				return second && shared.has(module) ? { path: 'shared', namespace: 'shared' } : undefined;
			});
			esbuild.onLoad({ filter: /./, namespace: 'made' }, ({ path }) => path === 'solver'
				? { contents: solver, loader: 'text' } : { contents: parts, resolveDir: sources });
			esbuild.onLoad({ filter: /./, namespace: 'shared' }, () => ({ contents: `export const [${names}] = document[Symbol.for('contact')].parts;` }));
			// The modules have words, the built file has numbers.
			esbuild.onLoad({ filter: /\.js$/, namespace: 'file' }, ({ path }) => ({
				contents: readFileSync(path, 'utf8').replace(WORD, (_, call, context = call === 'company' ? call : '', word) => `_(CONTACT_WORD(${JSON.stringify(context)},${JSON.stringify(word)}))`),
			}));
		},
	};
	const { outputFiles: [built] } = await build({
		entryPoints: [join(sources, `${name}.js`)], bundle: true, minify: true, format, write: false,
		target: 'es2021', charset: 'utf8', legalComments: 'none', plugins: [plugin],
	});
	const text = built.text.replace(/CONTACT_WORD\("([^"]*)","([^"]*)"\)/g, (_, context, word) => number(context, word));
	writeFileSync(join(target, `${output}.js`), await small(text, preamble, { sequences: false, inline: false }));
	return words;
};
const words = {
	embed: await bundle('index', 'iife', 'embed', ''),
	forms: await bundle('forms', 'esm', 'forms', '/*! ALTCHA, MIT: altcha-license.js */'),
};
writeFileSync(join(target, 'words.json'), JSON.stringify(words, null, 1) + '\n');
