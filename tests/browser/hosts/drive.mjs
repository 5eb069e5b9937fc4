// Drives a browser for `browsers.py`: reads a command a line, answers each with a line.
//
// `node drive.mjs chromium|firefox PATH`, with puppeteer-core in NODE_PATH.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const puppeteer = createRequire(join(process.env.NODE_PATH, 'x'))('puppeteer-core');
const [, , browserName, executablePath] = process.argv;
const browser = await puppeteer.launch({
	browser: browserName === 'chromium' ? 'chrome' : 'firefox',
	executablePath,
	headless: true,
	args: browserName === 'chromium' ? ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
		'--disable-component-update', '--disable-sync', '--disable-blink-features=AutomationControlled'] : [],
	extraPrefsFirefox: { 'intl.accept_languages': 'de', 'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false },
});
let context, page, told;

const commands = {
	// Opens a new visitor's tab. The snippet does not count driven browsers; this one plays a person.
	visit: async ({ agent, before = '' }) => {
		await context?.close();
		context = await browser.createBrowserContext();
		page = await context.newPage();
		told = [];
		page.on('console', (message) => told.push([message.type(), message.text()]));
		page.on('pageerror', (error) => told.push(['uncaught', String(error.message ?? error)]));
		if (agent) await page.setUserAgent(agent);
		await page.evaluateOnNewDocument("Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false });" + before);
	},
	goto: async ({ url }) => { await page.goto(url, { waitUntil: 'load' }); },
	evaluate: ({ script }) => page.evaluate(script),
	click: async ({ selector }) => { await (await page.waitForSelector(selector, { timeout: 30_000 })).click(); },
	fill: async ({ selector, text }) => { await (await page.waitForSelector(selector, { timeout: 30_000 })).type(text); },
	select: async ({ selector, value }) => { await page.select(selector, value); },
	press: async ({ key }) => { await page.keyboard.press(key); },
	offline: async ({ offline }) => { await page.setOfflineMode(offline); },
	until: async ({ script, timeout = 30_000 }) => { await page.waitForFunction(script, { timeout, polling: 30 }); },
	url: () => page.url(),
	told: () => told,
	screenshot: async ({ path }) => { await page.screenshot({ path, fullPage: true }); },
};

for await (const line of createInterface({ input: process.stdin })) {
	const { command, ...given } = JSON.parse(line);
	let answer;
	try {
		answer = { value: await commands[command](given) ?? null };
	} catch (error) {
		answer = { error: String(error.stack ?? error) };
	}
	process.stdout.write(JSON.stringify(answer) + '\n');
}
await browser.close();
